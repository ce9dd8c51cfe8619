"""What replication groups are and do: rooms by role, the same nouns in every room.

Belongs here: words (`statuses`, `errors`, `specs`, `callers`), tables (`models`), the only
writer of statuses (`transitions`), the waking of workers (`queueing`), the read side
(`queries`), the verbs (`services`), the work (`engine`), and the doors (`api`, `admin`,
`tasks`, `management`). How one kind of storage replicates is in `drivers`.
"""
