"""The HTTP service over `bestofn.best_of_n`: OpenAI's API, a reward model's, and what runs them.

Make the app with `bestofn_server.app.create_app`; nothing here is global.
"""
