"""pydantic-ai: an agent whose paying tool has to be approved, and the run that goes on."""

import task
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ModelRetry

import tellwhy

task.beside()
tellwhy.configure()

agent = Agent(
    f"anthropic:{task.MODEL}",
    name=task.AGENT,
    output_type=[str, DeferredToolRequests],
    model_settings={"anthropic_thinking": {"type": "adaptive"}, "max_tokens": 2000},
)
agent.tool_plain(task.get_weather)
agent.tool_plain(requires_approval=True)(task.pay)


@agent.tool_plain
@tellwhy.tool(effect="read")
def check_stock(item: str) -> str:
    """How many there are."""
    try:
        return task.check_stock(item)
    except ValueError as error:
        raise ModelRetry(str(error)) from error


with task.around():
    asked = agent.run_sync(task.QUESTION, conversation_id=task.CONVERSATION)
    allowed = {call.tool_call_id: True for call in asked.output.approvals}
    done = agent.run_sync(
        message_history=asked.all_messages(),
        deferred_tool_results=DeferredToolResults(approvals=allowed),
    )
print(done.output)
