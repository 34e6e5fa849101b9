"""A choice that plain code makes, recorded like a choice of a model: options, chosen, why."""

import anthropic

import tellwhy

MODELS = {"short": "claude-haiku-4-5", "long": "claude-sonnet-5"}


@tellwhy.agent(name="summary-agent")
def summarise(text: str) -> str:
    """Sum a text up with the model that fits its length."""
    size = "long" if len(text) > 2000 else "short"
    tellwhy.decide(
        "model", options=list(MODELS), chosen=size, why=f"The text has {len(text)} characters."
    )
    client = anthropic.Anthropic()
    reply = client.messages.create(
        model=MODELS[size],
        max_tokens=1000,
        messages=[{"role": "user", "content": f"Sum this up in one sentence:\n{text}"}],
    )
    return reply.content[-1].text


if __name__ == "__main__":
    print(summarise("The tent was ordered in October and came in December. " * 5))
