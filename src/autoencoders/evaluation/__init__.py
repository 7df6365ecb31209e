"""How good a trained network is, and what it must beat: a module for each question.

A question is a function of a trained variant. `answers` asks all of them, with the settings that
params.yaml has under `evaluation`; `report/metrics.csv` says what each number is.
"""
