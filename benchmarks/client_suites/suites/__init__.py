"""Each file is a suite of pytest for an environment that has the client: it reads the server's
address in $BESTOFN_URL, and what the scripted model answers in $BESTOFN_ANSWER."""
