"""Pick what runs an environment, by the kind of its settings: no command asks for the kind."""

from typing import assert_never

from slipway.environments.running.aws import AwsRunning
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.environments.running.protocol import Running
from slipway.loading.settings import SettingsFile
from slipway.settings.aws import AwsSettings
from slipway.settings.kubernetes import Settings


def running(file: SettingsFile) -> Running:
    """What runs the environment of a settings file."""
    match file.settings:
        case Settings() as settings:
            return KubernetesRunning(file, settings)
        case AwsSettings() as settings:
            return AwsRunning(file, settings)
        case _ as settings:
            assert_never(settings)
