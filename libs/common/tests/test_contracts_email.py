"""Whoever gives an address that is taken gets the letter: one rule for both."""

import pytest
from common.contracts.common import Email, is_email
from pydantic import TypeAdapter, ValidationError

TAKEN = TypeAdapter(Email)


@pytest.mark.parametrize(
    "text", ["a@b", "anna.b+shop@mail.example", "o'neil@x-y.example", "a" * 64 + "@b"]
)
def test_a_plain_mailbox_is_taken(text):
    assert is_email(TAKEN.validate_python(text))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "anna",
            "@b",
            "a@",
            "anna.@b",
            ".anna@b",
            "a..b@c",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a b@c",
        ),
        *("a@b\n", "Anna <a@b>", '"a"@b', "a@b,c@d", "ä@b", "a" * 65 + "@b", "a@" + "b" * 253),
    ],
)
def test_what_no_letter_can_be_sent_to_is_refused(text):
    with pytest.raises(ValidationError):
        TAKEN.validate_python(text)
    assert not is_email(text)
