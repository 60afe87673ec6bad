"""An account whose answers a test writes, held to AWS's own service models by botocore's Stubber.

For what moto does not answer, and for what it is kinder about than AWS. A parameter or an answer that AWS does not know
fails the test; so does a call for which there is no answer.
"""

from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from slipway.aws.account import Account

Answer = Mapping[str, Any] | str | Callable[[Mapping[str, Any]], "Mapping[str, Any] | str"]
"""What a call answers; a text is the code of an error; a function gets the call's parameters."""
Answers = Mapping[tuple[str, str], Answer]


class _Client:
    def __init__(self, service: str, region: str, answers: Answers, asked: list[tuple[str, str]]) -> None:
        self._service = service
        self._client = boto3.client(service, region_name=region, aws_access_key_id="none", aws_secret_access_key="none")
        self._stubber = Stubber(self._client)
        self._answers = answers
        self._asked = asked

    def can_paginate(self, _: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            self._asked.append((self._service, operation))
            answer = self._answers[self._service, operation]
            found = answer(parameters) if callable(answer) else answer
            if isinstance(found, str):
                self._stubber.add_client_error(operation, found)
            else:
                self._stubber.add_response(operation, dict(found), parameters)
            with self._stubber:
                return getattr(self._client, operation)(**parameters)

        return call


def stubbed(answers: Answers, region: str, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """One call of an account that otherwise is another's, such as moto's."""
    answer: dict[str, Any] = getattr(_Client(service, region, answers, []), operation)(**parameters)
    return answer


class StubbedAccount(Account):
    """An account that answers what it is told to; `asked` is what it was asked, in order."""

    def __init__(self, account: str, region: str, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(account, region)
        self.asked: list[tuple[str, str]] = []
        monkeypatch.setattr(self._session, "client", lambda service: _Client(service, region, answers, self.asked))
