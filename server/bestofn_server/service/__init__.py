"""The service behind the routes. A request's body becomes a job, the job its rankings:

presets     a model name -> the settings and the pipeline that it stands for
chosen      what of a pipeline a request may choose for itself
job         body + preset -> Job: requests for `best_of_n`, or a body to pass through
service     admits a job, ranks it (or passes it through), counts it
forwarded   what is told of a job that passes through
scoring     the same for responses that exist already
readiness   whether engine and reward model answer

job = await service.plan(body)
with service.admitted(job.tokens):
    rankings = await service.rank(job, request.headers)
"""
