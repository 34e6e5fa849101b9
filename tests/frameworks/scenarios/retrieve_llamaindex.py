"""LlamaIndex: documents are retrieved, and the model is asked with them."""

import json

import task
from llama_index.core import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.llms.anthropic import Anthropic

import tellwhy

tellwhy.configure()
TEXTS = {"coats": "Coats are on shelf 4.", "hats": "Hats are sold out."}
SCORES = {"coats": 0.9, "hats": 0.4}
QUESTION = f"Where are the coats? <<script:{json.dumps([{'text': task.ANSWER}])}>>"


class Shelves(BaseRetriever):
    """Finds the same two documents for every question."""

    def _retrieve(self, query_bundle):
        return [
            NodeWithScore(node=TextNode(id_=name, text=text), score=SCORES[name])
            for name, text in TEXTS.items()
        ]


engine = RetrieverQueryEngine(
    retriever=Shelves(),
    response_synthesizer=get_response_synthesizer(
        llm=Anthropic(model="claude-sonnet-4-5", max_tokens=200),
        text_qa_template=PromptTemplate("{context_str}\n{query_str}"),
    ),
)
with tellwhy.agent(task.AGENT, conversation_id=task.CONVERSATION):
    print(engine.query(QUESTION))
