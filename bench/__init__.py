"""Measurements of a running site; each module of it that can be run is a program that prints its figures."""
