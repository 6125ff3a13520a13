"""Settings: pydantic models of the YAML file, the environment and the flags.

    settings    `Settings`: all of it, and the order in which the sources win
    sections    filters, selection, policy, profiles, server
    rewards     what scores: the section `reward`, the list `rewards`, `ensemble`
    judge, reward_server, verifier      the options of these kinds of `rewards`
    choices     literals that a setting or a flag may take

A section is a frozen object that travels as it is to what it is about.
"""
