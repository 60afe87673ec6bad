"""Say in PromQL how much of its GPU each pod of a model uses, as NVIDIA's DCGM measures it."""


def series(*, namespace: str, model: str, field: str = "DCGM_FI_DEV_GPU_UTIL") -> str:
    """Return the series of the GPUs of a model's pods, from DCGM's exporter, scraped with `honorLabels: true`.

    `field`: what of them, by DCGM's name; how much they are used when left out. The exporter knows a pod by its name
    alone: its Deployment's, and two parts that Kubernetes adds.
    """
    return f'{field}{{namespace="{namespace}",pod=~"{model}-[a-z0-9]+-[a-z0-9]+"}}'


def used(*, namespace: str, model: str, window_s: int) -> str:
    """Return the percents that all pods use together over a window; of a pod's several GPUs the busiest counts."""
    over = f"avg_over_time({series(namespace=namespace, model=model)}[{window_s}s])"
    return f"(sum(max by (pod) ({over}))) >= 0"
