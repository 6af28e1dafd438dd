collect_ignore = ["every_name.py", "wrong_types.py"]  # for the type checker alone: types are not there when a program runs
