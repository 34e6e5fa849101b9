"""pydantic-ai in two processes: one asks, the other answers on the messages of the first."""

import sys
from pathlib import Path

import task
from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults
from pydantic_ai.messages import ModelMessagesTypeAdapter

import tellwhy

tellwhy.configure()
agent = Agent(f"anthropic:{task.MODEL}", name=task.AGENT, output_type=[str, DeferredToolRequests])
agent.tool_plain(requires_approval=True)(task.pay)
saved = Path(sys.argv[2])
if task.form() == "ask":
    asked = agent.run_sync(task.PAYING, conversation_id=task.CONVERSATION)
    saved.write_bytes(asked.all_messages_json())
else:
    messages = ModelMessagesTypeAdapter.validate_json(saved.read_bytes())
    (call,) = [part for part in messages[-1].parts if part.part_kind == "tool-call"]
    answers = DeferredToolResults(approvals={call.tool_call_id: task.form() == "yes"})
    agent.run_sync(message_history=messages, deferred_tool_results=answers)
print(task.ANSWER)
