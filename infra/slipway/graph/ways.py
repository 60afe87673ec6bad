"""Draw the ways through a plan: how a model comes into service, is watched, is called and is paid for."""

from collections.abc import Sequence

from slipway.environments.planning.kinds import planning
from slipway.graph.drawing import Picture
from slipway.plan.model import ModelPlan, Plan
from slipway.render.model import placeholder_image, render_alerts, render_model
from slipway.render.templates import Manifest
from slipway.values.rates import format_price

_WAYS_IN = {"api-key": "with a key", "oidc": "with a token", "none": "without credentials"}


def deployment(plan: Plan) -> Picture:
    """From the spec of each model to what serves."""
    drawn = Picture(f"{plan.environment}: how a model comes into service")
    own = drawn.box("environment", f"stack {plan.environment}", "namespace, policies, platform", "made first")
    registry = drawn.box("registry", "registry", "images by digest", kind="data")
    for model in plan.models:
        spec = drawn.box(
            f"spec {model.name}", f"{model.name} {model.version}", f"spec of {model.spec.owner}", kind="data"
        )
        objects = render_model(model, placeholder_image(model))
        stack = drawn.box(f"stack {model.name}", f"stack {model.stack}", *_counted(objects))
        drawn.arrow(spec, registry, "image built once, pushed")
        drawn.arrow(registry, stack, f"tag {model.image.tag}")
        drawn.arrow(own, stack)
        scale = model.spec.scale
        replicas = f"{scale.fewest} to {scale.max} replicas" if model.autoscaled else f"replicas: {scale.min}"
        pods = drawn.box(f"pods {model.name}", f"pods of {model.name}", replicas, f"on node pool {model.pool.name}")
        drawn.arrow(stack, pods, f"release {model.release[:8]}")
        if model.delivery.stored is not None:
            store = drawn.box("store", "model store", "weights by digest", kind="data")
            drawn.arrow(spec, store, "weights sent once")
            drawn.arrow(store, pods, "weights fetched")
        judge = drawn.box(f"judge {model.name}", "judge", "golden request", f"rollout: {model.spec.rollout.strategy}")
        drawn.arrow(pods, judge, "answers")
        serves = drawn.box(f"serves {model.name}", f"{model.name} serves", "verified release recorded")
        drawn.arrow(judge, serves, "right")
        drawn.arrow(judge, stack, "wrong: verified release restored")
    return drawn


def monitoring(plan: Plan) -> Picture:
    """What is measured of each model, who is told of what, and what scales on it."""
    drawn = Picture(f"{plan.environment}: how models are watched")
    here = planning(plan.settings).monitoring
    if here is None:
        drawn.notes.append("The settings have no monitoring: nothing is scraped, and no alert is made.")
    prometheus = drawn.box("prometheus", "Prometheus", here.prometheus, kind="others") if here is not None else None
    for model in plan.models:
        pods = drawn.box(f"pods {model.name}", f"pods of {model.name}")
        if prometheus is not None and here is not None:
            drawn.arrow(pods, prometheus, f"metrics, every {here.scrape_s} s")
        if model.scaler is not None:
            _scaled(drawn, model, prometheus)
        names = _alerts(render_alerts(model))
        if prometheus is not None and names:
            rules = drawn.box(f"rules {model.name}", f"alerts of {model.name}", *names)
            drawn.arrow(prometheus, rules)
            manager = drawn.box("alertmanager", "Alertmanager", kind="others")
            drawn.arrow(rules, manager, f"owner {model.spec.owner}")
    for route in here.routes if here is not None and "alertmanager" in drawn.boxes else ():
        told = drawn.box(f"told {route.owner}", f"{route.owner} is told", f"by {route.secret[0]}", kind="person")
        drawn.arrow("alertmanager", told)
    if "alertmanager" in drawn.boxes and here is not None and not here.routes:
        drawn.notes.append("The settings have no routes: who is told of alerts is up to your own Alertmanager.")
    return drawn


def _scaled(drawn: Picture, model: ModelPlan, prometheus: str | None) -> None:
    target = model.spec.scale.target
    signal = f"{target.signal} of {target.value:g}" if target is not None else "schedule"
    scaler = drawn.box(f"scaler {model.name}", f"autoscaler of {model.name}", signal, str(model.scaler), kind="others")
    if model.alerts and prometheus is not None:
        drawn.arrow(prometheus, scaler)
    else:
        drawn.arrow(f"pods {model.name}", scaler, "CPU" if target is not None else "")
    sets = drawn.box(f"replicas {model.name}", f"replicas of {model.name}", f"up to {model.spec.scale.max}")
    drawn.arrow(scaler, sets, "sets")


def user(plan: Plan) -> Picture:
    """The way of a request from a client to a model and back."""
    drawn = Picture(f"{plan.environment}: the way of a request")
    client = drawn.box("client", "client", "an application", kind="person")
    gateway = planning(plan.settings).gateway
    if gateway is None:
        drawn.notes.append("The settings have no gateway: nobody is asked for a key, no caller is limited.")
        for model in plan.models:
            service = drawn.box(f"service {model.name}", f"Service {model.name}", model.service_type)
            drawn.arrow(client, service, "HTTP")
            drawn.arrow(service, drawn.box(f"pods {model.name}", f"pods of {model.name}"))
        return drawn
    front = drawn.box("gateway", "gateway", gateway.url(gateway.domain))
    drawn.arrow(client, front, "1 HTTPS", encrypted=True)
    keys = drawn.box("keys", "keys service", "who calls, how often, at what price")
    drawn.arrow(front, keys, "2 is this call allowed?")
    for model in plan.models:
        traffic = model.traffic
        pods = drawn.box(
            f"pods {model.name}", f"pods of {model.name}", f"answer within {model.spec.endpoint.timeout:g} s"
        )
        if traffic is None:
            drawn.notes.append(f"{model.name}: no route leads to it (endpoint.public).")
            continue
        spoken = f"gRPC {traffic.grpc.target}" if traffic.grpc is not None else ""
        page = "its page without credentials" if traffic.page else ""
        rate = f"{traffic.rate} for each caller" if traffic.rate else "no limit of calls"
        route = drawn.box(f"route {model.name}", traffic.url, _WAYS_IN[traffic.auth], rate, spoken, page)
        drawn.arrow(front, route)
        drawn.arrow(route, pods, "3 with a pass of 60 s" if model.gated else "3")
        for member in traffic.members:
            if any(one.name == member for one in plan.models):
                drawn.arrow(pods, drawn.box(f"pods {member}", f"pods of {member}"), "asks")
    drawn.notes.append("4: the answer goes back by the same way.")
    return drawn


def business(plan: Plan) -> Picture:
    """From asking for access to the bill, and what is heard back."""
    drawn = Picture(f"{plan.environment}: from a request for access to the bill")
    gateway = planning(plan.settings).gateway
    if gateway is None:
        drawn.notes.append("The settings have no gateway: there are no keys, no calls are counted, nobody is billed.")
        for model in plan.models:
            drawn.box(f"model {model.name}", model.name, f"owner {model.spec.owner}")
        return drawn
    consumer = drawn.box("consumer", "consumer", "a team or a customer", kind="person")
    page = drawn.box("page", "page of the keys service", f"{gateway.url(gateway.domain)}/keys")
    operator = drawn.box("operator", "whoever runs it", "slipway keys approve", kind="person")
    key = drawn.box("key", "key", "shown once, kept as a digest", kind="data")
    ledger = drawn.box("ledger", "ledger", "each call, with its price", kind="data")
    bill = drawn.box("bill", "bill", "slipway usage", kind="data")
    drawn.arrow(consumer, page, "asks for access", encrypted=True)
    drawn.arrow(page, operator)
    drawn.arrow(operator, key, "approves")
    for model in plan.models:
        traffic = model.traffic
        if traffic is None:
            continue
        price = tuple(f"${format_price(usd)} {name.replace('_', ' ')}" for name, usd in traffic.price.items())
        called = drawn.box(f"model {model.name}", model.name, f"owner {model.spec.owner}", *(price or ("no price",)))
        if traffic.auth == "api-key":
            drawn.arrow(key, called, "calls", encrypted=True)
        else:
            caller = drawn.box(f"caller {traffic.auth}", f"caller {_WAYS_IN[traffic.auth]}", kind="person")
            drawn.arrow(caller, called, "calls", encrypted=True)
        drawn.arrow(called, ledger, "is counted")
        if traffic.feedback is not None:
            heard = drawn.box(f"heard {model.name}", f"quality of {model.name}", traffic.feedback.task, kind="data")
            drawn.arrow(called, heard, "feedback")
            drawn.arrow(heard, drawn.box(f"owner {model.spec.owner}", f"owner {model.spec.owner}", kind="person"))
    drawn.arrow(ledger, bill, "summed up")
    return drawn


def _alerts(rules: Sequence[Manifest]) -> list[str]:
    """The names of the alerts in these PrometheusRules, once each."""
    groups = (group for one in rules for group in one["spec"]["groups"])
    return sorted({rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule})


def _counted(objects: Sequence[Manifest]) -> tuple[str, ...]:
    """The kinds of objects of a stack, three a line."""
    kinds = sorted(one["kind"] for one in objects)
    return tuple(", ".join(kinds[at : at + 3]) for at in range(0, len(kinds), 3))
