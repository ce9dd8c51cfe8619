"""A small identity service in Keystone's form, so that every OpenStack client can log in here.

Belongs here: discovery, tokens, the catalog, and looking at projects and users. There is one
domain, `default`; users, projects and roles are made on the command line or in the console.
"""
