"""Makes the virtual environment that the Makefile's commands use. Standard library only; runs on any Python 3.

    python tools/prepare.py .venv serve|dev|train

`serve` installs what serving needs (no torch), `dev` the linters and the test tools beside it, `train` torch and the
other packages of training too. The installation goes
wrong with one clear line: Python too old, disk full, no pip, no network.
"""

import os
import shutil
import subprocess
import sys

NEEDED = (3, 11)
NEEDED_MB = {"serve": 700, "dev": 900, "train": 3000}


def fail(reason):
    sys.stderr.write("make: %s\n" % reason)
    raise SystemExit(1)


def main():
    venv, kind = sys.argv[1], sys.argv[2]
    if sys.version_info < NEEDED:
        fail(
            "Python %d.%d or newer is needed, %s is %s; choose another: PYTHON=python3.11 make run"
            % (NEEDED + (sys.executable, sys.version.split()[0]))
        )
    free = shutil.disk_usage(".").free // 2**20
    if free < NEEDED_MB[kind]:
        fail("the disk is too full: %d MB free here, %d MB needed" % (free, NEEDED_MB[kind]))
    python = os.path.join(venv, "Scripts" if os.name == "nt" else "bin", "python")
    if not os.path.exists(python):
        step("making %s" % venv)
        result = subprocess.run([sys.executable, "-m", "venv", "--clear", venv])
        if result.returncode:
            fail("cannot make a virtual environment; on Debian or Ubuntu: apt install python3-venv")
    step("installing what %s needs (a few minutes the first time)" % kind)
    target = {"serve": ".", "dev": ".[dev]", "train": ".[dev,train]"}[kind]
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    result = subprocess.run(command + ["--editable", target, "--constraint", "constraints.txt"])
    if result.returncode:
        free = shutil.disk_usage(".").free // 2**20
        if free < 50:
            fail("the disk is full")
        fail("pip could not install the packages; its last lines above say why")
    kinds = ("serve", "dev", "train")
    for stamp in kinds[: kinds.index(kind) + 1]:
        with open(os.path.join(venv, stamp + ".stamp"), "w") as handle:
            handle.write(sys.version)


def step(message):
    sys.stdout.write("-- %s\n" % message)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        fail("%s" % error)
    except KeyboardInterrupt:
        fail("interrupted; run the command again")
