"""Measurements of a running site; each module is a program that prints its figures."""
