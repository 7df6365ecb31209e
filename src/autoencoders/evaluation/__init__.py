"""Metrics of trained variants and their yardsticks; each module computes one group of metrics.

`measure.measure_all` computes all groups with the settings under `evaluation` in params.yaml.
`report/metrics.csv` describes each metric.
"""
