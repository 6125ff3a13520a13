"""LangChain's ChatOpenAI against `bestofn serve`: best_of goes through extra_body.

LangChain keeps only the fields that it knows: the usage, of all candidates, but no rewards.
"""

import os

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

URL = os.environ.get("BESTOFN_URL", "http://127.0.0.1:8000/v1")
KEY = os.environ.get("BESTOFN_API_KEY", "none")
MODEL = "bestofn-embedded"  # or another that URL/models lists


def main() -> None:
    """Ask once, then through a chain of prompt, model and parser."""
    model = ChatOpenAI(
        model=MODEL, base_url=URL, api_key=SecretStr(KEY), seed=136, extra_body={"best_of": 8}
    )
    answer = model.invoke("What is 8 - 5?")
    print("answer:", answer.text)
    print("tokens sampled:", answer.response_metadata["token_usage"]["completion_tokens"])

    prompt = ChatPromptTemplate.from_template("Which is larger, {a} or {b}?")
    chain = prompt | model | StrOutputParser()
    print("chain:", chain.invoke({"a": 3, "b": 7}))


if __name__ == "__main__":
    main()
