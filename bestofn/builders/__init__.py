"""Builders: from settings to a pipeline; the one place that imports concrete backends, lazily.

open_pipeline (pipeline) ─► engine_of (generator)           which engine samples
                          ├► RewardPlan.of (reward_plan)    what scores, its options resolved
                          ├► planned_flags (memory)         vLLM's share of the GPU beside it
                          ├► open_reward_model (rewards)    what scores, loaded first
                          └► open_generator (generator)     what samples, loaded last
"""
