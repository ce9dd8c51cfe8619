"""The storm: a whole site under random verbs while a seeded killer takes its parts away.

`python -m tests.storm --seed N` repeats the same schedule of verbs, kills and faults. What is here: the schedule
(`plan`), the site's processes (`stack`, `components`), its storage (`storages`), who acts (`verbs`, `killer`,
`writers`), the way back to health (`mending`), what is reported (`figures`), and the storm itself (`conduct`).
"""
