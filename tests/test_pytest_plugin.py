"""The pytest plugin, as it shows in somebody else's test suite: each test here runs pytest in a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from mock_authz.pytest_plugin import sandbox_name
from mock_authz.testing import Sandbox, Server
from tests import programs
from tests.programs import serve

pytest_plugins = ["pytester"]

OURS = ("mock_authz", "httpx2", "starlette", "uvicorn", "authlib", "joserfc")


@pytest.fixture(scope="module", autouse=True)
def talkative() -> None:
    """Import all that is needed to talk to a server.

    pytester forgets what is imported while it works: for other tests that would come a second time, and not be the same.
    """
    with serve() as served, Server.at(served.base_url) as server, Sandbox(server) as sandbox:
        assert sandbox.journal.entries() == []


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """A server in another process."""
    with serve() as served, Server.at(served.base_url) as server:
        yield server


@pytest.fixture(autouse=True)
def plain(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this suite's configuration, and nothing but a strict one of theirs."""
    monkeypatch.delenv("MOCK_AUTHZ_SERVE_CONTROL_TOKEN", raising=False)
    options = "--strict-markers -p no:cacheprovider -p no:schemathesis -p no:hypothesispytest"
    pytester.makeini(f"[pytest]\naddopts = {options}\nfilterwarnings = error\n")


def run(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(tests)
    return pytester.runpytest_subprocess(*options)


# --- what it costs who does not use it ---


def test_the_plugin_imports_nothing_but_pytest_until_a_fixture_is_used(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        f"""
        import sys

        def loaded():
            return [name for name in sys.modules if name.split(".")[0] in {OURS}]

        def test_before():
            assert sorted(loaded()) == ["mock_authz", "mock_authz.pytest_plugin"]

        def test_then(authz_sandbox):
            assert "mock_authz.testing" in loaded()
        """,
    )
    result.assert_outcomes(passed=2)


def test_importing_the_plugin_imports_nothing_of_ours() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import mock_authz.pytest_plugin\n"
        "new = sorted(set(sys.modules) - before - set(sys.stdlib_module_names))\n"
        "assert new == ['mock_authz', 'mock_authz.pytest_plugin'], new\n"
    )
    done = programs.run([sys.executable, "-c", program])
    assert done.returncode == 0, done.stderr


def test_fixtures_and_marker_describe_themselves(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest_subprocess("--fixtures").stdout.str()
    assert "authz_server [session scope]" in fixtures
    assert "A fresh sandbox: the seed `demo`" in fixtures
    assert "authz(seed='demo'" in pytester.runpytest_subprocess("--markers").stdout.str()
    assert "--authz-server=URL" in pytester.runpytest_subprocess("--help").stdout.str()


# --- sandboxes ---


def test_each_test_has_a_sandbox_of_its_own_on_one_server(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest
        seen = []

        @pytest.mark.parametrize("time", ["first", "second"])
        def test_is_fresh(authz_sandbox, authz_server, time):
            assert authz_sandbox.devices.list() and authz_sandbox.server is authz_server
            assert authz_sandbox.journal.entries() == []
            seen.append((authz_sandbox.issuer, authz_server.url))

        def test_they_differ(authz_server):
            assert len(set(seen)) == 2 and len({url for _, url in seen}) == 1
            assert [box["name"] for box in authz_server.wire.control("GET", "/sandboxes")] == ["default"]
        """,
    )
    result.assert_outcomes(passed=3)


def test_a_sandbox_repeats_itself_from_run_to_run(pytester: pytest.Pytester) -> None:
    tests = """
        import httpx2, pytest

        @pytest.mark.parametrize("long", ["short", "x" * 300])
        def test_code(authz_sandbox, long):
            begun = httpx2.post(authz_sandbox.issuer + "/device_authorization", data={"client_id": "register"})
            print("code", authz_sandbox.name, begun.json()["user_code"])
        """
    outputs = [run(pytester, tests, "-rP").stdout.lines for _ in range(2)]
    first, second = ([line for line in lines if line.startswith("code")] for lines in outputs)
    assert first == second
    assert len(set(first)) == 2


def test_the_nearest_marker_decides_on_each_option(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("shop.yaml").write_text(
        "organizations: [{id: acme, name: Acme}]\n", encoding="utf-8"
    )
    result = run(
        pytester,
        """
        import httpx2, pytest
        pytestmark = pytest.mark.authz(clock="frozen:2027-03-01", alg="RS256", random_seed="story")

        def algs(sandbox):
            return [key["alg"] for key in httpx2.get(sandbox.issuer + "/jwks").json()["keys"]]

        def test_module(authz_sandbox):
            assert (authz_sandbox.clock.mode, authz_sandbox.clock.now) == ("frozen", 1803859200)
            assert algs(authz_sandbox) == ["RS256"] and authz_sandbox.random_seed == "story"

        @pytest.mark.authz(alg="Ed25519", seed="shop.yaml", settings={"interval_seconds": 3})
        class TestShop:
            def test_class(self, authz_sandbox):
                assert authz_sandbox.clock.mode == "frozen" and algs(authz_sandbox) == ["Ed25519"]
                assert authz_sandbox.manage("GET", "settings")["interval_seconds"] == 3
                assert authz_sandbox.devices.add("Store").organization == "acme"

            @pytest.mark.authz(seed="demo", quirks=["slow_down_does_not_grow"], clock="real")
            def test_function(self, authz_sandbox):
                assert authz_sandbox.devices.get("store-12") and algs(authz_sandbox) == ["Ed25519"]
                assert authz_sandbox.clock.mode == "real"
        """,
    )
    result.assert_outcomes(passed=3)


WRONG = {
    "clok='frozen'": "@pytest.mark.authz has no option 'clok': did you mean 'clock'?",
    "colour='red'": "@pytest.mark.authz has no option 'colour': choose one of seed, alg, clock, *",
    "'demo'": "@pytest.mark.authz takes options by name only: *",
    "seed='nothing'": "*cannot be made: nothing: No such file or directory; built in are demo, empty",
    "clock='stopped'": "*cannot be made: 'stopped' is not a clock: give real, *",
    "alg='none'": "*#/settings/alg: 'none' is not an algorithm: *",
    "quirks=['nobody_has_it']": "*#/quirks/0: *no such quirk*",
}


def test_a_wrong_marker_is_one_clear_error(pytester: pytest.Pytester) -> None:
    tests = [
        f"@pytest.mark.authz({marker})\ndef test_{index}(authz_sandbox): ..."
        for index, marker in enumerate(WRONG)
    ]
    result = run(pytester, "\n".join(["import pytest", *tests]))
    result.assert_outcomes(errors=len(WRONG))
    result.stdout.fnmatch_lines(list(WRONG.values()))
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*During handling*")


def test_a_wrong_option_is_told_to_a_test_that_does_not_use_the_sandbox_too(
    pytester: pytest.Pytester,
) -> None:
    tests = """
        import pytest

        @pytest.mark.authz(sed="demo")
        def test_it(): ...
        """
    run(pytester, tests).assert_outcomes(errors=1)


def test_unittest_test_cases_have_it_too(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest, unittest

        class Case(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _take(self, authz_sandbox):
                self.sandbox = authz_sandbox

            def test_it(self):
                assert self.sandbox.devices.get("store-12")

            def test_fault(self):
                self.sandbox.offline()
        """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["declared, but never struck: offline of every step*"])


# --- faults that never struck ---


def test_a_fault_that_never_struck_fails_a_test_that_nothing_else_has_failed(
    pytester: pytest.Pytester,
) -> None:
    result = run(
        pytester,
        """
        import httpx2, pytest

        def test_unstruck(authz_sandbox):
            with authz_sandbox.offline("jwks"):
                pass

        def test_excused(authz_sandbox):
            authz_sandbox.faults.lost_reply("token:refresh", must_strike=False)

        def test_struck(authz_sandbox):
            authz_sandbox.faults.status(500, "jwks")
            assert httpx2.get(authz_sandbox.issuer + "/jwks").status_code == 500

        def test_has_failed_already(authz_sandbox):
            authz_sandbox.faults.lost_reply("revoke")
            raise KeyError("mine")

        def test_is_skipped(authz_sandbox):
            authz_sandbox.faults.lost_reply("revoke")
            pytest.skip("later")

        def test_has_closed_it_itself(authz_sandbox):
            authz_sandbox.close()
        """,
    )
    result.assert_outcomes(passed=3, failed=2, skipped=1)
    result.stdout.fnmatch_lines(["declared, but never struck: offline of jwks. Pass must_strike=False*"])
    result.stdout.fnmatch_lines(["E *KeyError: 'mine'"])
    result.stdout.no_fnmatch_line("declared, *revoke*")
    result.stdout.no_fnmatch_line("*During handling*")


# --- the report of a failing test ---

FAILING = """
    import httpx2, pytest

    @pytest.mark.authz(clock="frozen:2027-03-01T08:00:00Z")
    def test_it(authz_sandbox):
        httpx2.post(authz_sandbox.issuer + "/device_authorization", data={"client_id": "pos-server"})
        authz_sandbox.clock.advance("PT1H")
        assert False

    def test_passes(authz_sandbox):
        httpx2.get(authz_sandbox.issuer + "/jwks")
    """


def test_the_report_of_a_failing_test_shows_what_happened_and_how_to_repeat_it(
    pytester: pytest.Pytester,
) -> None:
    result = run(pytester, FAILING)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines([
        "*- authz_sandbox -*",
        "sandbox test-it-*, now 2027-03-01 09:00:00 UTC (frozen clock)",
        "2027-03-01 08:00:00 > device_authorization     200 ????-???? for pos-server",
        "2027-03-01 08:15:00 - user code expired        user_code ????-????, client_id pos-server",
        "2027-03-01 09:00:00 - clock moved              from 2027-03-01 08:00:00",
        f"repeat: pytest '{_file(pytester)}::test_it'",
    ])  # fmt: skip
    assert result.stdout.str().count("- authz_sandbox -") == 1


def test_a_random_seed_of_ones_own_is_shown(pytester: pytest.Pytester) -> None:
    result = run(pytester, FAILING.replace("authz(", "authz(random_seed='story', "))
    result.stdout.fnmatch_lines(["repeat: pytest '*::test_it'   (random seed 'story')"])


@pytest.mark.parametrize("how", ["option", "file"])
def test_the_sandbox_of_a_failing_test_is_saved_where_that_is_asked_for(
    pytester: pytest.Pytester, elsewhere: Server, how: str
) -> None:
    if how == "file":
        pytester.makeini("[pytest]\nauthz_save = saved\n")
    result = run(pytester, FAILING, *(["--authz-save", "saved"] if how == "option" else []))
    result.stdout.fnmatch_lines(["saved:  saved/test-it-*.json"])
    [file] = pytester.path.joinpath("saved").iterdir()
    with Sandbox.load(file, server=elsewhere) as sandbox:
        assert sandbox.journal.expect(step="device_authorization")


def test_what_fails_beside_the_test_shows_the_timeline_too(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def broken(authz_sandbox):
            raise KeyError

        def test_it(broken):
            pass
        """,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["(nothing has happened here)"])


def test_a_timeline_that_cannot_be_read_hides_no_failure(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(authz_sandbox, authz_server):
            authz_server.wire.control("DELETE", "/sandboxes/" + authz_sandbox.name)
            raise KeyError("mine")
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *KeyError: 'mine'", "(its timeline cannot be read: 404 sandbox_unknown*"])


# --- other servers, many processes ---


def test_a_server_that_runs_already_is_used(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve("--control-token", "swordfish") as served:
        tests = f"""
            def test_it(authz_sandbox):
                assert authz_sandbox.issuer.startswith("{served.base_url}/s/test-it-")
            """
        option = ("--authz-server", served.base_url)
        run(pytester, tests, *option, "--authz-control-token", "swordfish").assert_outcomes(passed=1)
        run(pytester, tests, *option).stdout.fnmatch_lines([f"--authz-server {served.base_url}: 401 *"])
        monkeypatch.setenv("MOCK_AUTHZ_SERVE_CONTROL_TOKEN", "swordfish")
        pytester.makeini(f"[pytest]\nauthz_server = {served.base_url}\n")
        run(pytester, tests).assert_outcomes(passed=1)


def test_two_runs_on_one_server_do_not_meet(pytester: pytest.Pytester, elsewhere: Server) -> None:
    name = sandbox_name(f"{_file(pytester)}::test_it")
    with Sandbox(elsewhere, name=name):
        tests = """
            def test_it(authz_sandbox):
                assert authz_sandbox.name.startswith("sandbox-")
            """
        run(pytester, tests, "--authz-server", elsewhere.url).assert_outcomes(passed=1)


def test_a_server_that_is_not_there_is_one_clear_error(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(authz_sandbox): ...", "--authz-server", "http://127.0.0.1:9")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["--authz-server http://127.0.0.1:9: no mock-authz server answers at *"])


def test_with_xdist_each_worker_has_its_own_server(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import httpx2, pytest

        @pytest.mark.parametrize("index", range(6))
        def test_it(authz_sandbox, worker_id, index):
            assert httpx2.get(authz_sandbox.issuer + "/jwks").status_code == 200
            with open(f"{worker_id}.txt", "a") as file:
                file.write(authz_sandbox.server.url + "\\n")
            assert index != 5
        """,
        "-n",
        "2",
    )
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["sandbox test-it-5-*, now * (real clock)", "*> jwks *200"])
    used = [set(path.read_text(encoding="utf-8").split()) for path in pytester.path.glob("gw*.txt")]
    assert [len(urls) for urls in used] == [1, 1]
    assert used[0] != used[1]


def _file(pytester: pytest.Pytester) -> str:
    return f"{pytester._name}.py"  # noqa: SLF001 - pytester names it so, and says so nowhere else
