"""Use of trained variants on the user's files; shared by commands and serving."""
