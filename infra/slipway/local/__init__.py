"""Turn one bare machine into an environment: toolchain, cluster, registry, stand-ins. infra/ never imports it."""
