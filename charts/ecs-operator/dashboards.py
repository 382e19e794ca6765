#!/usr/bin/env python3
"""Writes files/dashboards/*.json, from the rows below: python3 charts/ecs-operator/dashboards.py

With --check it writes nothing, and fails where a file is not what the rows say.
"""

import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent / "files" / "dashboards"
PREFIX = "ecs_operator_"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# To the other dashboards, which begin where this one stands.
LINK = {
    "type": "dashboards",
    "title": "ecs-operator",
    "tags": ["ecs-operator"],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "",
    "tooltip": "",
}
RED, GREEN, GREY, BLUE, ORANGE = "red", "green", "text", "blue", "orange"


def target(ref, expr, legend="", **more):
    # @ stands for the prefix of the operator's metrics.
    return {"refId": ref, "datasource": SOURCE, "expr": expr.replace("@", PREFIX), "legendFormat": legend} | more


def panel(kind, title, says, width, height, targets, unit="short", **more):
    defaults = {"unit": unit} | more.pop("defaults", {})
    options = more.pop("options", {})
    overrides = more.pop("overrides", [])
    made = [target(chr(65 + at), *one) if isinstance(one, tuple) else one for at, one in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": says,
        "datasource": SOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": made,
        "fieldConfig": {"defaults": defaults, "overrides": overrides},
        "options": options,
    } | more


def steps(*pairs):
    """The colour below the first bound, then from each bound on."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in pairs]}


def stat(title, says, expr, bad=None, unit="short"):
    bounds = steps((None, BLUE)) if bad is None else steps((None, GREEN), (bad, RED))
    return panel(
        "stat", title, says, 3, 4, [(expr,)], unit,
        defaults={"thresholds": bounds},
        options={"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    )


def lines(title, says, targets, unit="short", width=12, red=None, **more):
    overrides = more.pop("overrides", [])
    if red:
        overrides = overrides + [color(red, RED)]
    return panel(
        "timeseries", title, says, width, 8, targets, unit, overrides=overrides,
        options={"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}},
        **more,
    )


def color(pattern, fixed, **custom):
    properties = [{"id": "color", "value": {"mode": "fixed", "fixedColor": fixed}}]
    properties += [{"id": f"custom.{name}", "value": value} for name, value in custom.items()]
    return {"matcher": {"id": "byRegexp", "options": pattern}, "properties": properties}


def heatmap(title, says, name, unit="s"):
    one = target("A", f"sum by (le) (increase(@{name}_bucket{{$own}}[$__rate_interval]))", "{{le}}", format="heatmap")
    return panel("heatmap", title, says, 12, 8, [one], unit, options={"calculate": False, "yAxis": {"unit": unit}})


def row(title):
    return {"type": "row", "title": title, "collapsed": False, "gridPos": {"w": 24, "h": 1}, "panels": []}


def variable(name, label, query, many=True):
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": {"query": query.replace("@", PREFIX), "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": many,
        "includeAll": many,
        **({"current": {"text": "All", "value": "$__all"}} if many else {}),
    }


def laid(panels):
    """Gives each panel its place: left to right, then down."""
    x = y = tallest = 0
    for number, one in enumerate(panels, start=1):
        place = one["gridPos"]
        if x + place["w"] > 24:
            x, y, tallest = 0, y + tallest, 0
        place |= {"x": x, "y": y}
        one["id"] = number
        x, tallest = x + place["w"], max(tallest, place["h"])
    return panels


def dashboard(uid, title, says, variables, filters, panels):
    text = json.dumps(laid(panels))
    for name, filter_ in filters.items():
        text = text.replace(name, json.dumps(filter_)[1:-1])
    datasource = {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus"}
    return {
        "uid": uid,
        "title": title,
        "description": says,
        "tags": ["ecs-operator"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [LINK],
        "annotations": {"list": []},
        "templating": {"list": [datasource] + variables},
        "panels": json.loads(text),
    }


JOB = variable("job", "Operator", "label_values(@build_info, job)")
CLUSTER = variable("cluster", "Cluster", 'label_values(@service_info{job=~"$job"}, cluster)')
SERVICE = variable("service", "Service", 'label_values(@service_info{job=~"$job", cluster=~"$cluster"}, service)')
FOCUS = variable("focus", "Rollout of", 'label_values(@service_info{job=~"$job", cluster=~"$cluster"}, service)', many=False)
FILTERS = {
    "$of": 'job=~"$job", cluster=~"$cluster", service=~"$service"',
    "$one": 'job=~"$job", cluster=~"$cluster", service=~"$focus"',
    "$own": 'job=~"$job"',
}


def instant(ref, expr):
    return target(ref, expr, "", format="table", instant=True)


SERVICES = panel(
    "table", "Services", "Every service, by what its Ready condition says and by its tasks.", 24, 10,
    [
        instant("A", "max by (cluster, service, ready, reason, suspended) (@service_info{$of})"),
        instant("B", "max by (cluster, service) (@service_desired_tasks{$of})"),
        instant("C", "max by (cluster, service) (@service_running_tasks{$of})"),
        instant("D", "max by (cluster, service) (@service_pending_tasks{$of})"),
    ],
    transformations=[
        {"id": "merge", "options": {}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {"Time": True, "Value #A": True},
                "renameByName": {"Value #B": "desired", "Value #C": "running", "Value #D": "pending"},
            },
        },
    ],
    overrides=[{
        "matcher": {"id": "byName", "options": "ready"},
        "properties": [
            {"id": "custom.cellOptions", "value": {"type": "color-background"}},
            {"id": "mappings", "value": [{"type": "value", "options": {
                "true": {"color": GREEN}, "false": {"color": RED}, "unknown": {"color": ORANGE}}}]},
        ],
    }],
)

ROLLOUT = lines(
    "Tasks between their bounds: $focus",
    "A rollout keeps the running tasks at or above the lower bound (minimumHealthyPercent), and running and pending "
    "together at or below the upper one (maximumPercent).",
    [
        ("max by (cluster, service) (@service_running_tasks{$one})", "{{cluster}}/{{service}} running"),
        ("max by (cluster, service) (@service_running_tasks{$one} + @service_pending_tasks{$one})",
         "{{cluster}}/{{service}} running and pending"),
        ("max by (cluster, service) (@service_desired_tasks{$one})", "{{cluster}}/{{service}} desired"),
        ("max by (cluster, service) (@service_lower_bound_tasks{$one})", "{{cluster}}/{{service}} lower bound"),
        ("max by (cluster, service) (@service_upper_bound_tasks{$one})", "{{cluster}}/{{service}} upper bound"),
    ],
    width=24,
    defaults={"min": 0, "custom": {"lineInterpolation": "stepAfter"}},
    overrides=[
        color("bound$", RED, lineStyle={"fill": "dash", "dash": [8, 6]}),
        color("desired$", GREY, lineStyle={"fill": "dot", "dash": [2, 4]}),
        color(" running$", GREEN, fillOpacity=25, lineWidth=2),
        color("pending$", BLUE),
    ],
)

FLEET = dashboard(
    "ecs-operator-fleet", "ecs-operator / Fleet", "What the operator keeps, and how it is.",
    [JOB, CLUSTER, SERVICE, FOCUS], FILTERS,
    [
        stat("Services", "Services that manifests declare.", 'sum(@objects{$own, kind="Service"}) or vector(0)'),
        stat("Not ready", "Services whose Ready condition is false.",
             'sum(@objects{$own, kind="Service", ready="false"}) or vector(0)', 1),
        stat("Stalled", "Objects for which nothing more is tried until the input changes or a person acts.",
             'sum(@object_conditions{$own, type="Stalled"}) or vector(0)', 1),
        stat("Suspended", "Services on which nothing is written, since a tag says so.",
             'count(@service_info{$of, suspended="true"}) or vector(0)'),
        stat("Rolling", "Services that ECS deploys right now.",
             'sum(@object_conditions{$own, type="Reconciling", reason="RolloutInProgress"}) or vector(0)'),
        stat("Source age", "Since the directory was last read.",
             "max(time() - @source_last_success_timestamp_seconds{$own})", 900, "s"),
        stat("Rejected manifests", "Documents with problems; their last good state stays in force.",
             'sum(@manifests{$own, state="rejected"})', 1),
        stat("Orphans", "Services of ours that no manifest declares any more.", "sum(@orphaned_services{$own})", 1),
        row("Rollout of one service"),
        ROLLOUT,
        row("Services"),
        SERVICES,
        lines("Objects by reason", "Objects for which a condition other than Ready holds, by its reason.",
              [('sum by (type, reason) (@object_conditions{$own, type!="Ready"}) or vector(0)', "{{type}} {{reason}}")]),
        lines("Longest not ready", "The ten services that have not been ready for the longest.",
              [("topk(10, max by (cluster, service) (time() - @service_ready_transition_timestamp_seconds{$of}) and on "
                '(cluster, service) (max by (cluster, service) (@service_condition{$of, type="Ready"}) < 1)) or vector(0)',
                "{{cluster}}/{{service}}")], "s"),
        row("Changes"),
        lines("Rollouts per hour, by result", "How rollouts ended.",
              [("sum by (result) (increase(@rollouts_total{$own}[1h]))", "{{result}}")],
              red="failed|rolled_back|timed_out"),
        heatmap("Duration of rollouts", "How long rollouts took, however they ended.", "rollout_duration_seconds"),
        lines("Changes per hour, by action", "What was written to AWS.",
              [("sum by (action) (increase(@changes_total{$own}[1h]))", "{{action}}")]),
        lines("Drift per hour", "Times an object was found changed by someone else.",
              [("sum(increase(@drift_detected_total{$own}[1h]))", "drift")]),
    ],
)


def quantiles(name, by=""):
    legend = "{{" + by + "}} " if by else ""
    group = f"le, {by}" if by else "le"
    return [
        (f"histogram_quantile({part}, sum by ({group}) (rate(@{name}_bucket{{$own}}[$__rate_interval])))",
         f"{legend}p{round(part * 100)}")
        for part in (0.5, 0.95, 0.99)
    ]


RATE = "[$__rate_interval]"
CONTROL = dashboard(
    "ecs-operator-control-plane", "ecs-operator / Control plane", "How the operator itself is.",
    [JOB], FILTERS,
    [
        stat("Version", "Operators that run, by version.", "count by (version) (@build_info{$own})")
        | {"options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "name", "graphMode": "none"}},
        stat("Synced", "1 once a first pass over every object has ended.", "min(@synced{$own})"),
        stat("Queue", "Keys that are due and wait for a worker.", "sum(@queue_depth{$own})", 100),
        stat("Workers busy", "The share of workers with a pass in hand.",
             "sum(@workers_active{$own}) / sum(@workers_max{$own})", 0.9, "percentunit"),
        stat("Passes that failed", "The share of passes that ended in an error.",
             f'sum(rate(@reconcile_total{{$own, result=~"retry|terminal|timeout|panic"}}{RATE})) / '
             f"sum(rate(@reconcile_total{{$own}}{RATE}))", 0.1, "percentunit"),
        stat("AWS calls", "Calls a second.", f"sum(rate(@aws_api_calls_total{{$own}}{RATE}))", None, "reqps"),
        stat("Throttled", "The share of calls for which AWS asked to slow down.",
             f'(sum(rate(@aws_api_calls_total{{$own, outcome="throttled"}}{RATE})) or vector(0)) / '
             f"sum(rate(@aws_api_calls_total{{$own}}{RATE}))", 0.05, "percentunit"),
        stat("Series dropped", "Services without series of their own, since there are more than the cap.",
             "sum(@metrics_services_dropped{$own})", 1),
        row("Passes"),
        lines("Passes by result", "How passes ended.",
              [(f"sum by (result) (rate(@reconcile_total{{$own}}{RATE}))", "{{result}}")], "ops",
              red="retry|terminal|timeout|panic"),
        lines("Errors by category", "Why passes failed.",
              [(f"sum by (category) (rate(@reconcile_errors_total{{$own}}{RATE})) or vector(0)", "{{category}}")], "ops"),
        lines("Duration of a pass", "How long passes take.", quantiles("reconcile_duration_seconds"), "s"),
        lines("Duration by stage, p95 and p99", "Where passes spend their time.",
              quantiles("reconcile_stage_duration_seconds", "stage")[1:], "s"),
        row("Queue"),
        lines("Due keys", "Keys that wait for a worker, by lane.",
              [("sum by (priority) (@queue_depth{$own})", "{{priority}}")]),
        lines("Wait", "How long due keys waited, by lane.", quantiles("queue_wait_seconds", "priority")[1:2], "s"),
        lines("Queued, by reason", "What made keys due.",
              [(f"sum by (reason) (rate(@queue_adds_total{{$own}}{RATE}))", "{{reason}}")], "ops"),
        lines("Workers", "Workers with a pass in hand, and all there are.",
              [("sum(@workers_active{$own})", "busy"), ("sum(@workers_max{$own})", "all")]),
        row("AWS"),
        lines("Calls by operation", "What is asked of AWS.",
              [(f"sum by (service, operation) (rate(@aws_api_calls_total{{$own}}{RATE}))", "{{service}} {{operation}}")],
              "reqps"),
        lines("Calls that failed, by outcome", "What AWS answered but ok.",
              [(f'sum by (outcome) (rate(@aws_api_calls_total{{$own, outcome!="ok"}}{RATE})) or vector(0)',
                "{{outcome}}")], "reqps"),
        lines("Duration of a call, p95 and p99", "How long AWS takes to answer.",
              quantiles("aws_api_call_duration_seconds", "service")[1:], "s"),
        lines("Waiting for our own budget", "Time spent waiting so as not to be throttled, a second.",
              [(f"sum(rate(@aws_rate_limit_wait_seconds_total{{$own}}{RATE}))", "waiting")], "s"),
        heatmap("Objects in a describing call", "Fuller calls are fewer calls.", "describe_batch_size", "short"),
        lines("Observations", "What the cache answered.",
              [(f"sum by (result) (rate(@cache_requests_total{{$own}}{RATE}))", "{{result}}")], "ops"),
        row("Source"),
        lines("Reads of the directory, by result", "How reads ended.",
              [(f"sum by (result) (rate(@source_loads_total{{$own}}{RATE}))", "{{result}}")], "ops",
              red="invalid|unreadable"),
        lines("What made it be read", "Hints of the kernel, and polls.",
              [(f"sum by (kind) (rate(@source_events_total{{$own}}{RATE}))", "{{kind}}")], "ops"),
        lines("Duration of a read", "How long reads take.", quantiles("source_load_duration_seconds"), "s"),
        lines("Age of the revision", "Since the revision in force was taken over.",
              [("max(time() - @source_revision_timestamp_seconds{$own})", "age")], "s"),
        row("Leader election"),
        lines("Who leads", "1 where a replica holds the lease, or is the only one.",
              [("max by (instance) (@leader{$own})", "{{instance}}")]),
        lines("Lease", "Times a replica became leader, and requests to the API server that failed, an hour.",
              [("sum(increase(@lease_transitions_total{$own}[1h]))", "became leader"),
               ("sum(increase(@lease_failures_total{$own}[1h]))", "failed")]),
        row("Process"),
        lines("CPU", "Cores used.", [(f"sum by (instance) (rate(process_cpu_seconds_total{{$own}}{RATE}))", "{{instance}}")],
              width=8),
        lines("Memory", "Resident memory.", [("sum by (instance) (process_resident_memory_bytes{$own})", "{{instance}}")],
              "bytes", width=8),
        lines("Open files", "File descriptors, and how many there may be.",
              [("sum by (instance) (process_open_fds{$own})", "{{instance}} open"),
               ("sum by (instance) (process_max_fds{$own})", "{{instance}} limit")], width=8),
    ],
)


def main():
    for name, made in (("fleet", FLEET), ("control-plane", CONTROL)):
        text = json.dumps(made, indent=1) + "\n"
        file = FOLDER / f"{name}.json"
        if "--check" in sys.argv[1:]:
            if file.read_text() != text:
                sys.exit(f"{file} is not what {__file__} says: run it without --check")
        else:
            FOLDER.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


main()
