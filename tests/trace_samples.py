"""A small trace in every format, written by hand, with what must become of it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

from gogh_sim.traces import Sources

COMMAND = "python3 train.py --data %s/x"


@dataclass(frozen=True)
class Sample:
    """Files of a trace, and its jobs as (submit_s, duration_s, num_gpus, gpu_fraction)."""

    format: str
    text: str
    jobs: list[tuple[float, float, int, float]]
    left_out: dict[str, int] = field(default_factory=dict)
    nodes: str | None = None
    throughputs: str | None = None
    expected_nodes: list[tuple[str, str, int]] | None = None

    def put(self, folder: Path) -> Sources:
        """The files, written into a folder."""
        return Sources(
            write(folder / "trace", self.text),
            None if self.nodes is None else write(folder / "nodes", self.nodes),
            None if self.throughputs is None else write(folder / "throughputs.json", self.throughputs),
        )


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def pack(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def gavel_row(*cells: object) -> str:
    return "\t".join(map(str, cells)) + "\n"


LM = "LM (batch size 10)"
THROUGHPUTS = json.dumps(
    {"v100": {f"('{LM}', 1)": {"null": 2.0}, f"('{LM}', 2)": {"null": 4.0}, "('A3C', 1)": {"null": 0.0}}, "k80": {}}
)
GAVEL_10 = (
    gavel_row(LM, COMMAND, "lm", "--steps", 1, 100, 1, 1, "-1.000000", 7)
    + gavel_row(LM, COMMAND, "lm", "--steps", 1, 100, 2, 1, "2.0", 3)
    + gavel_row(LM, COMMAND, "lm", "--steps", 1, 100, 16, 1, "-1.000000", 9)
    + gavel_row("A3C", COMMAND, "rl", "--steps", 0, 5, 1, 1, "-1.000000", 9)
)
UNKNOWN = "no throughput known for this type and size"

SAMPLES = {
    "acme": Sample(
        "acme",
        "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time\n"
        "1,u1,1,8,128,Pretrain,FAILED,"
        "2023-03-01 00:18:22+08:00,2023-03-01 00:18:54+08:00,2023-03-01 00:20:51+08:00,117,32,936.0\n"
        "2,u1,1,0,16,Other,COMPLETED,"
        "2023-03-01 00:20:00+08:00,2023-03-01 00:20:00+08:00,2023-03-01 00:20:09+08:00,9,0,0\n"
        "3,u2,1,1,16,Eval,CANCELLED,2023-03-01 00:20:00+08:00,,,0,0,0\n"
        "4,u2,1,1,16,Eval,NODE_FAIL,"
        "2023-02-28 16:30:00+00:00,2023-02-28 16:30:00+00:00,2023-02-28 16:31:00+00:00,60,0,60\n",
        [(1102, 117, 8, 1), (1800, 60, 1, 1)],
        {"no GPUs": 1, "never started": 1},
    ),
    "gavel": Sample("gavel", GAVEL_10, [(3, 25, 2, 1), (7, 50, 1, 1)], {UNKNOWN: 2}, throughputs=THROUGHPUTS),
    "gavel_7": Sample(
        "gavel",
        gavel_row(LM, "cd %s && run", "--steps", 1, 100, "5.5", 1)
        + gavel_row(LM, COMMAND, "--steps", 1, 8, "0.000000", 2),
        [(0, 2, 2, 1), (5.5, 50, 1, 1)],
        throughputs=THROUGHPUTS,
    ),
    "shockwave": Sample(
        "gavel",
        gavel_row(LM, COMMAND, "lm", "--steps", 1, 134583, 1, "gns", 1, "-1.000000", 1418, 0)
        + gavel_row("ResNet-18 (batch size 32)", COMMAND, "c", "-n", 1, 9, 4, "static", 1, "-1.000000", 60, 55),
        [(0, 1418, 1, 1), (55, 60, 4, 1)],
    ),
    "helios": Sample(
        "helios",
        "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n"
        "7,uA,vcX,4,16,1,COMPLETED,2020-04-01 00:00:10,2020-04-01 00:01:10,2020-04-01 00:02:10,60,60\n"
        "8,uB,vcX,1,4,1,TIMEOUT,2020-04-01 00:00:05,2020-04-01 00:00:05,2020-04-01 00:00:05,0,0\n"
        "9,uB,vcY,1,4,1,CANCELLED,2020-04-01 00:00:07,None,None,0,0\n",
        [(5, 1, 1, 1), (10, 60, 4, 1)],
        {"never started": 1},
    ),
    "itp": Sample(
        "itp",
        "job_id,submission_time,duration,num_gpu\na-1,100,20,64\nb-2,250,0,1\n",
        [(100, 20, 64, 1), (250, 1, 1, 1)],
    ),
    "openb": Sample(
        "openb",
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
        "p0,1,1,1,460,V100M32|T4,LS,Running,50,90,60\np1,1,1,0,0,,LS,Running,60,90,60\n",
        [(50, 30, 1, 0.46)],
        {"CPU only": 1},
        nodes="sn,cpu_milli,memory_mib,gpu,model\nn0,1,1,8,T4\nn1,1,1,0,\n",
        expected_nodes=[("n0", "T4", 8)],
    ),
    "pai": Sample(
        "pai",
        "job_id,num_inst,submit_time,num_cpu,num_gpu,gpu_type,duration,user\n"
        "1,1,10,6,0.5,T4,37,abc\n2,4,20,6,0.5,MISC,0,\n3,2,30,6,2,V100,180,\n4,3,40,6,0.5,P100,5,\n5,1,50,6,0,,9,x\n",
        [(10, 37, 1, 0.5), (20, 1, 2, 1), (30, 180, 4, 1), (40, 5, 2, 1)],
        {"no GPUs": 1},
        nodes="m0,T4,96,512,2\nm1,CPU,96,512,0\n",
        expected_nodes=[("m0", "T4", 2)],
    ),
    "pai_estimate": Sample(
        "pai",
        "job_name,job_id,num_pod,submit_time,num_cpu,num_gpu,gpu_type,duration,user,group,wait_time,user_dur\n"
        "n,1,4,10,6,2,T4,37,abc,g,1,2\n",
        [(10, 37, 2, 1)],
    ),
    "pai_sample": Sample(
        "pai", "job_id,num_cpu,num_gpu,gpu_type,duration,user\n22,6,0.25,MISC,37,\n", [(0, 37, 1, 0.25)]
    ),
    "pai_tables": Sample(
        "pai_tables",
        "j1,worker,2.0,Terminated,100.0,160.0,600.0,29.3,50.0,T4\n"
        "j1,ps,1.0,Terminated,90.0,150.0,600.0,29.3,0.0,\n"
        "j2,worker,1.0,Running,100.0,,600.0,29.3,100.0,V100\n"
        "j3,worker,3.0,Failed,200.0,230.0,600.0,29.3,100.0,V100\n"
        "j4,worker,1.0,Waiting,,,600.0,29.3,100.0,V100\n"
        "j5,worker,1.0,Terminated,10.0,20.0,600.0,29.3,,\n",
        [(90, 70, 1, 1), (200, 30, 3, 1)],
        {"not ended within the trace": 1, "never started": 1, "no GPUs": 1},
    ),
    "philly": Sample(
        "philly",
        json.dumps(
            [
                {
                    "status": "Pass",
                    "vc": "a",
                    "jobid": "j1",
                    "user": "u",
                    "submitted_time": "2017-10-07 01:00:00",
                    "attempts": [
                        {
                            "start_time": "2017-10-07 01:00:30",
                            "end_time": "2017-10-07 01:01:30",
                            "detail": [{"ip": "m", "gpus": ["g", "h"]}],
                        }
                    ],
                }
            ]
        ),
        [(3600, 60, 2, 1)],
    ),
    "philly_list": Sample(
        "philly_list",
        "timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-02 01:00:10,30.0,2,60.0,b\n",
        [(3610, 30, 2, 1)],
    ),
    "plain": Sample(
        "plain",
        "job_id,submit_s,duration_s,num_gpus,gpu_fraction,gpu_models,user,queue,status,workload,deadline_s,colour\n"
        "a,5,60.5,1,0.5,T4|A100|T4,me,q,failed,dqn-b128,100,red\nb,2.5,10,4,,,,,,,inf,blue\n",
        [(2.5, 10, 4, 1), (5, 60.5, 1, 0.5)],
    ),
    "pollux": Sample(
        "pollux",
        "name,time,application,num_replicas,batch_size\ncifar10-0,107,cifar10,6,2048\nimagenet-1,10,imagenet,10,3200\n",
        [(10, 3600 * 10**1.5, 10, 1), (107, 600 * 10**-0.5, 6, 1)],
    ),
    "spot": Sample(
        "spot",
        "job_name,organization,gpu_model,cpu_request,gpu_request,worker_num,submit_time,duration,job_type\n"
        "s1,org,A10,8,1,1,10,100,HP\ns2,org,H800,8,8,4,5,100,Spot\n",
        [(5, 100, 32, 1), (10, 100, 1, 1)],
        nodes="gpu_model,gpu_capacity_num,cpu_num,node_name\nA10,1,128,0\nH800,8,128,1\n",
        expected_nodes=[("0", "A10", 1), ("1", "H800", 8)],
    ),
    "swf": Sample(
        "swf",
        "; Version: 2.2\n; UnixStartTime: 86400\n"
        "1 10 5 100 4 -1 -1 6 -1 -1 1 3 1 -1 2 -1 -1 -1\n"
        "2 20 0 -1 4 -1 -1 4 -1 -1 5 3 1 -1 2 -1 -1 -1\n"
        "3 30 0 7 -1 -1 -1 16 -1 -1 0 -1 1 -1 -1 -1 -1 -1\n",
        [(10, 100, 4, 1), (30, 7, 16, 1)],
        {"run time unknown": 1},
    ),
}
