"""Odd command lines of `zibrato send` and `zibrato time`: one line each that says what is wrong."""

from __future__ import annotations

import pytest

from zibrato.shell import send, timed

SEND = "zibrato send: "
TIME = "zibrato time: "
NAME = "expected 1 to 255 characters without control characters, got "
COMMANDS = {
    "send": f"{SEND}the following arguments are required: KIND, NAME",
    "send counter": f"{SEND}the following arguments are required: NAME",
    "send set users": f"{SEND}argument KIND: invalid choice: 'set'",
    "send counter \0": f"{SEND}argument NAME: {NAME}'\\x00'",
    "send counter \udcff": f"{SEND}argument NAME: {NAME}",
    f"send counter {'x' * 256}": f"{SEND}argument NAME: {NAME}",
    "send timer build": f"{SEND}expected a VALUE; a timer needs one",
    "send gauge depth nan": f"{SEND}argument VALUE: expected a number, got 'nan'",
    "send gauge depth 1_0": f"{SEND}argument VALUE: expected a number, got '1_0'",
    "send gauge depth 1e999": f"{SEND}argument VALUE: expected a number, got '1e999'",
    "send timer build -1e-3": f"{SEND}expected 0 or more seconds, got -0.001",
    "send counter -x": f"{SEND}the following arguments are required: NAME",
    "send counter a 1 2": f"{SEND}unrecognized arguments: 2",
    "send counter a --level=a,b": f"{SEND}level: expected one of debug, info",
    "send counter a --tag=b": f"{SEND}argument --tag: expected NAME=VALUE, got 'b'",
    "send counter a --tag=b=": f"{SEND}argument --tag: {NAME}''",
    "send counter a --source=": f"{SEND}argument --source: {NAME}''",
    "send counter a --socket=5550": f"{SEND}argument --socket: expected ipc://PATH",
    "send counter a --socket=tcp://127.0.0.1:*": f"{SEND}argument --socket: expected ipc://PATH",
    "time": f"{TIME}expected -- before the command, as in zibrato time build -- make",
    "time make -j all": f"{TIME}expected -- before the command",
    "time --tag=b make": f"{TIME}argument --tag: expected NAME=VALUE, got 'b'",
    "time build --": f"{TIME}expected a command behind --",
    "time a b -- true": f"{TIME}unrecognized arguments: b",
    "time --tag=b -- true": f"{TIME}argument --tag: expected NAME=VALUE, got 'b'",
    "time --level=a,b -- true": f"{TIME}level: expected one of debug, info",
    "time --socket=5550 -- true": f"{TIME}argument --socket: expected ipc://PATH",
    f"time -- {'x' * 256}": f"{TIME}name: expected 1 to 255 characters",
}
"""Command lines of `zibrato send` and `zibrato time`."""


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.attack("odd zibrato send and time", before="no such commands")
def test_a_command_that_can_t_be(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *arguments = line.split(" ")
    main = {"send": send.main, "time": timed.main}[command]
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == {"send": 1, "time": 125}[command]
    assert error.startswith(COMMANDS[line])
    assert error.endswith(f"; see zibrato {command} --help\n")
    assert error.count("\n") == 1
