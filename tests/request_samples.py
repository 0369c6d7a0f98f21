"""A small file of each request format, written by hand."""

from __future__ import annotations

SAMPLES = {
    # Seconds 0, 30.5, 60.25 and 150 after the first.
    "azure_llm": (
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
        "2023-11-16 18:16:17.1805900,1,1\r\n2023-11-16 18:16:46.9305900,1,2\r\n2023-11-16 18:18:16.6805900,1,3"
    ),
    # app_b: one instance to 90 s, one from 30 s to the end at 120 s; app_a: one throughout.
    "dlrm": (
        "instance_sn,role,app_name,gpu_request,creation_time,scheduled_time,deletion_time\n"
        "i0,HN,app_b,1,,,90\ni1,HN,app_b,1,20,30,\ni2,CN,app_b,0,0,0,\ni3,HN,app_a,1,,,120\n"
    ),
    "genai_lora": (
        "gmt_create,predict_type,predict_status,exec_time_seconds\n2024-11-15 16:57:50,TXT_2_IMG,SUCCEED,32.0\n"
        "2024-11-15 16:58:20,TXT_2_IMG,FAILED,\n2024-11-15 16:58:50,IMG_2_IMG,SUCCEED,5.0\n"
    ),
    # Sampled every 60 s: generative 0.5 + 0.25, nothing, 1; API nothing, 2, nothing.
    "genai_qps": (
        "timestamp_anon,value,container_ip,request_type\n1000,0.5,a,Generative Requests\n"
        "1000,0.25,b,Generative Requests\n1060,2.0,,API Requests\n1120,1.0,a,Generative Requests\n"
    ),
    "requests": "service,time_s,requests_per_s\nb,0,2\nb,90,4\na,60,1\n",
}
