"""A sandbox for Python programs: `client` runs a `job` in one of its `forms`.

choice          which form works here
forms           what each is started by
interpreter     what of this machine a program gets to see
inside          what runs behind the walls; it knows nothing of bestofn
"""
