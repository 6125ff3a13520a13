"""Controllers: what decides when to sample and when to stop."""
