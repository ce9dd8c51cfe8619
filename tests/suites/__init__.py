"""Test suites that others wrote for Cinder and its clients, run against a site of our own.

Belongs here: their environment, their settings, and what of them is left out, each with its reason. `make suites` runs
them all: openstacksdk's and cinderclient's functional tests, and tempest's for volumes. None of their code is here.
"""
