"""Settings: pydantic models of the YAML file, the environment and the flags."""
