"""What `bench` makes of the options that say how models are to be run."""

import click
import pytest
from click.testing import CliRunner

from mmnet_deploy.api.latency.settings import settings_of
from mmnet_deploy.cli.latency.setting_options import setting_options


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], {(1, "xnnpack")}),
        (["--threads", "1,2"], {(1, "xnnpack"), (2, "xnnpack")}),
        (["--threads", "1", "--threads", "2,4"], {(n, "xnnpack") for n in (1, 2, 4)}),
        (["--delegate", "none", "--delegate", "gpu,none"], {(1, "none"), (1, "gpu")}),
    ],
)
def test_a_repeated_option_adds_to_its_list(words, wanted):
    """The last one alone would measure less than was asked for, and say nothing."""
    made = []

    @click.command()
    @setting_options
    def command(**options):
        made.extend((one.threads, one.delegate) for one in settings_of(**options))

    assert CliRunner().invoke(command, words).exit_code == 0
    assert set(made) == wanted and len(made) == len(wanted)
