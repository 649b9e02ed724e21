"""Incidents: classified, healed one attempt a class at a time, given up, left alone; over kill -9; and a real gpsd."""
import time

import pytest

from patchbay import executable, wait_until

PATIENT = executable().parent.parent / "tests/integration/patient/patient.so"


def rule(**more):
    return {"class": "ILL", "topic": "patient/link", "when": {"state": "down"}, "call": "patient.treat", "args": {"name": "ill"}, "after": "50ms",
            "verify": {"when": {"state": "up"}, "timeout": "300ms"}, "back_off": "100ms", "back_off_max": "400ms", **more}


@pytest.fixture
def ward(patchbayd):
    """ward(rules, defaults=False) → a daemon with recovery and the patient."""
    def make(*rules, defaults=False):
        d = patchbayd(plugins=["recovery"], settings={"plugins": {"recovery": {"rule": list(rules), "defaults": defaults}}}, start=False)
        d.put_plugin("patient", PATIENT)
        d.start()
        d.wait_plugin("patient")
        return d
    return make


def say(d, topic, **value):
    d.call("patient.set", {"topic": topic, "value": value})


def heals(d, topic="patient/link", state="up", **how):
    d.call("patient.behave", {"topic": topic, "value": {"state": state}, **how})


def treated(d):
    return [c["name"] for c in d.call("patient.calls")]


def incidents(d, name="ILL"):
    return [i for i in d.json("recovery")["incidents"] if i["class"] == name]


def wait_state(d, state, name="ILL", limit=15):
    return wait_until(lambda: (i := incidents(d, name)[0])["state"] == state and i, limit, f"{name} is {state}")


def stays(condition, seconds=0.6):
    """Something must not happen: looked at all the time, not only at the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition()
        time.sleep(0.02)


# ---- healing ------------------------------------------------------------------------------------------------------------


def test_what_turns_bad_is_healed_and_told(ward):
    d = ward(rule())
    assert d.json("recovery") == {"incidents": []}
    heals(d)
    say(d, "patient/link", state="up")
    say(d, "patient/link", state="down", reason="it fell over")
    i = wait_state(d, "recovered")
    assert i["topic"] == "patient/link" and "it fell over" in i["reason"] and i["since"].endswith("Z")
    assert [(a["call"], a["result"]) for a in i["attempts"]] == [("patient.treat ill", "ok")]
    assert treated(d) == ["ill"] and i["outcome"] == "by patient.treat ill"
    assert d.topic("recovery/incidents")["incidents"][0]["id"] == i["id"]


def test_the_example_of_the_interface_works_without_a_verify(ward):
    d = ward({"class": "KISMET_DOWN", "topic": "kismet/link", "when": {"state": "down"}, "call": "procs.start", "args": {"name": "kismet"}, "wait": "100ms", "attempts_per_hour": 6})
    heals(d, "kismet/link")
    say(d, "kismet/link", state="down")
    i = wait_state(d, "recovered", "KISMET_DOWN")
    assert [(a["call"], a["result"]) for a in i["attempts"]] == [("procs.start kismet", "ok")]


def test_what_turns_good_again_soon_is_no_incident(ward):
    d = ward(rule(after="400ms"))
    say(d, "patient/link", state="down")
    say(d, "patient/link", state="up")
    stays(lambda: not incidents(d) and not treated(d), 0.8)


def test_steps_are_called_one_after_another_and_otherwise_where_there_is_none(ward):
    one = rule(steps=[{"call": "no.such", "args": {"name": "x"}, "otherwise": "patient.treat"}, {"call": "patient.treat", "args": {"name": "second"}, "wait": "50ms"}])
    del one["call"], one["args"]
    d = ward(one)
    heals(d)
    say(d, "patient/link", state="down")
    wait_state(d, "recovered")
    assert treated(d) == ["", "second"]


def test_others_of_the_class_join_and_one_attempt_runs_at_a_time(ward):
    d = ward(rule(topic="patient/*"))
    d.call("patient.behave", {"topic": "patient/a", "value": {"state": "up"}, "answer_after": "3s"})
    say(d, "patient/a", state="down")
    wait_state(d, "recovering")
    say(d, "patient/b", state="down")
    say(d, "patient/c", state="down")
    wait_until(lambda: incidents(d)[0]["joined"] == 2, why="b and c have joined")
    assert len(incidents(d)) == 1
    assert treated(d) == ["ill"]
    wait_state(d, "recovered")


def test_a_failed_attempt_is_tried_again_with_growing_pauses_then_given_up(ward):
    d = ward(rule(attempts_per_hour=4, advice="call the doctor"))
    say(d, "patient/link", state="down", reason="broken")
    i = wait_state(d, "given up", limit=30)
    assert len(i["attempts"]) == 4 and all(a["result"].startswith("failed") and "broken" in a["result"] for a in i["attempts"])
    assert "call the doctor" in i["advice"] and "recovery.run" in i["advice"]
    at = [c["at"] for c in d.call("patient.calls")]
    pauses = [b - a for a, b in zip(at, at[1:])]
    assert pauses[0] >= 400 and pauses[1] >= 500 and pauses[2] >= 700  # 300 ms of looking, then 100, 200, 400
    stays(lambda: len(treated(d)) == 4)
    # A person runs it: beyond the limit.
    heals(d)
    d.call("recovery.run", {"class": "ILL"})
    wait_state(d, "recovered")
    # The hour's attempts are used up all the same.
    say(d, "patient/link", state="down")
    wait_state(d, "given up")


def test_a_call_that_fails_says_so(ward):
    d = ward(rule(attempts_per_hour=1))
    d.call("patient.behave", {"status": 424})
    say(d, "patient/link", state="down")
    assert "the treatment did not take" in wait_state(d, "given up")["attempts"][0]["result"]


def test_what_turns_good_by_itself_is_over(ward):
    d = ward(rule(attempts_per_hour=1))
    say(d, "patient/link", state="down")
    wait_state(d, "given up")
    say(d, "patient/link", state="up")
    assert wait_state(d, "recovered")["outcome"] == "by itself"
    assert incidents(d)[0]["ended"]


# ---- what is left alone ---------------------------------------------------------------------------------------------------


def test_what_a_person_stopped_is_left_alone(ward):
    d = ward(rule(process="ill"), rule(**{"class": "ALSO", "topic": "patient/also", "on_purpose": True, "process": "ill", "verify": {"topic": "patient/also", "when": {"state": "up"}, "timeout": "5s"}}))
    say(d, "procs/ill", state="ready", stopped_by=None)
    say(d, "patient/link", state="up")
    say(d, "procs/ill", state="stopped", stopped_by="person", last_exit={"code": 0})
    say(d, "patient/link", state="down")
    stays(lambda: not incidents(d) and not treated(d))
    # Unless the rule says that it should be.
    heals(d, "patient/also")
    say(d, "patient/also", state="down")
    wait_state(d, "recovered", "ALSO")


def test_a_start_or_stop_under_way_is_waited_for(ward):
    d = ward(rule(process="ill"))
    heals(d)
    say(d, "procs/ill", state="stopping")
    say(d, "patient/link", state="down")
    stays(lambda: not incidents(d) and not treated(d))
    say(d, "procs/ill", state="failed", last_exit={"signal": "SIGKILL"})
    wait_state(d, "recovered")


def test_a_persons_stop_ends_what_is_being_tried(ward):
    d = ward(rule(process="ill", attempts_per_hour=100, back_off="5s"))
    say(d, "procs/ill", state="failed")
    say(d, "patient/link", state="down")
    wait_until(lambda: incidents(d)[0]["attempts"] and incidents(d)[0]["state"] == "open", why="the first attempt has failed")
    say(d, "procs/ill", state="stopped", stopped_by="person")
    assert "stopped by a person" in wait_until(lambda: (i := incidents(d)[0])["ended"] and i, why="it is over")["outcome"]
    before = treated(d)
    stays(lambda: treated(d) == before)


def test_a_default_does_not_start_what_nobody_started(ward):
    d = ward(defaults=True)
    say(d, "procs/kismet", state="stopped", last_exit=None)
    say(d, "kismet/link", state="down")
    stays(lambda: not d.json("recovery")["incidents"] and not treated(d), 3)


# ---- order ----------------------------------------------------------------------------------------------------------------


def second(**more):
    return rule(**{"class": "SECOND", "topic": "patient/second", "args": {"name": "second"}, "verify": {"topic": "patient/second", "when": {"state": "up"}, "timeout": "300ms"}, **more})


def test_a_class_waits_for_the_one_that_it_needs(ward):
    d = ward(rule(verify={"when": {"state": "up"}, "timeout": "20s"}), second(waits_for=["ILL"]))
    say(d, "patient/link", state="down")
    wait_state(d, "recovering")
    say(d, "patient/second", state="down")
    wait_until(lambda: incidents(d, "SECOND")[0]["waits_for"] == "ILL", why="it waits")
    stays(lambda: treated(d) == ["ill"])
    heals(d, "patient/second")
    say(d, "patient/link", state="up")
    wait_state(d, "recovered", "SECOND")
    assert treated(d) == ["ill", "second"]


def test_what_would_stop_the_one_being_healed_waits_for_it(ward):
    d = ward(rule(process="base"), second(process="top", verify={"topic": "patient/second", "when": {"state": "up"}, "timeout": "20s"}))
    say(d, "procs/top", state="failed", requires=["middle"])
    say(d, "procs/middle", state="ready", requires=["base"])
    say(d, "procs/base", state="ready", requires=[])
    say(d, "patient/second", state="down")
    wait_state(d, "recovering", "SECOND")
    say(d, "patient/link", state="down")
    wait_until(lambda: incidents(d)[0]["waits_for"] == "SECOND", why="it waits")
    assert treated(d) == ["second"]
    heals(d)
    say(d, "patient/second", state="up")
    wait_state(d, "recovered")
    assert treated(d) == ["second", "ill"]


# ---- classes, people ------------------------------------------------------------------------------------------------------


def test_reported_errors_are_classified_and_wait_for_a_person(ward):
    d = ward(defaults=True)
    for code, name in (("EACCES", "PERMISSION_DENIED"), ("ESRCH", "PROCESS_NOT_FOUND"), ("ENOSPC", "DISK_FULL"), ("INTERFACE_LOST", "INTERFACE_LOST"), ("EWHAT", "UNKNOWN")):
        say(d, "patient/incident", code=code, message=f"open /x: {code}")
        say(d, "patient/incident", code=code, message=f"open /y: {code}")
        i = wait_until(lambda: incidents(d, name)[0]["joined"] == 1 and incidents(d, name)[0], why=f"{code} is {name}")
        assert i["state"] == "open" and i["attempts"] == [] and i["reason"] == f"open /y: {code}" and i["advice"]
    say(d, "patient/incident", **{"class": "INTERFACE_CHANGED", "message": "wlan2 is managed"})
    i = wait_state(d, "open", "INTERFACE_CHANGED")
    assert d.call("recovery.run", {"id": i["id"]}, expect=404)
    d.call("recovery.acknowledge", {"id": i["id"]})
    i = incidents(d, "INTERFACE_CHANGED")[0]
    assert i["acknowledged"] and i["ended"]
    assert d.call("recovery.acknowledge", {"id": 10_000}, expect=404)
    assert d.call("recovery.run", {"class": "DISK_FULL"}, expect=409)["error"] == "NO_STRATEGY"
    assert d.call("recovery.run", {}, expect=400)


def test_a_person_may_run_what_is_not_ill(ward):
    d = ward(rule())
    say(d, "patient/link", state="up")
    i = d.call("recovery.run", {"class": "ILL"})
    assert i["state"] == "recovering"
    wait_state(d, "recovered")
    assert treated(d) == ["ill"]
    assert d.call("recovery.run", {"class": "NONE"}, expect=404)


def test_a_rule_with_a_mistake_is_named(ward, patchbayd):
    d = patchbayd(plugins=["recovery"], settings={"plugins": {"recovery": {"rule": [rule(steps=[{"call": "x.y"}])]}}})
    p = d.wait_plugin("recovery", "failed")
    assert "ILL" in p["reason"] and "steps" in p["reason"]


# ---- what survives --------------------------------------------------------------------------------------------------------


def test_incidents_attempts_and_limits_survive_kill_9(ward):
    d = ward(rule(attempts_per_hour=2, verify={"when": {"state": "up"}, "timeout": "20s"}))
    heals(d)
    say(d, "patient/link", state="down")
    first = wait_state(d, "recovered")
    d.call("patient.behave", {})
    say(d, "patient/link", state="down")
    second_ = wait_state(d, "recovering")
    assert second_["id"] > first["id"]
    wait_until(lambda: treated(d) == ["ill", "ill"], why="the second attempt has begun")
    time.sleep(0.1)  # let its record be written: only then does it count
    d.kill()
    d.start()
    d.wait_plugin("patient")
    kept = wait_until(lambda: (i := incidents(d)) and len(i) == 2 and i, why="both are back")
    assert kept[1]["id"] == first["id"] and kept[1]["state"] == "recovered"
    assert kept[0]["id"] == second_["id"] and "cut off" in kept[0]["attempts"][-1]["result"]
    say(d, "patient/link", state="down")
    i = wait_state(d, "given up", limit=20)  # the hour's two attempts were made before
    assert i["id"] == second_["id"] and treated(d) == []


def test_history_is_bounded(ward):
    d = ward(rule(attempts_per_hour=1000))
    heals(d)
    say(d, "patient/link", state="up")
    for _ in range(110):
        d.call("recovery.run", {"class": "ILL"})
        wait_until(lambda: incidents(d)[0]["state"] == "recovered", why="it is over", every=0.005)
    assert len(d.json("recovery")["incidents"]) == 100
    d.restart()
    wait_until(lambda: len(d.json("recovery")["incidents"]) == 100, why="the history is back")
