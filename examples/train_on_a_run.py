"""One step of TRL's DPO on the pairs of a run: python examples/train_on_a_run.py RUN [MODEL]"""

import sys
import tempfile

from datasets import load_dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

from bestofn import embedded


def main(run: str, model: str) -> None:
    """Train on the pairs, as `bestofn sample` and `bestofn export` wrote them."""
    pairs = load_dataset(run, "dpo", split="train")
    with tempfile.TemporaryDirectory() as output:
        trainer = DPOTrainer(
            model=AutoModelForCausalLM.from_pretrained(model),
            args=DPOConfig(output, max_steps=1, report_to=[], use_cpu=True, bf16=False),
            train_dataset=pairs,
            processing_class=AutoTokenizer.from_pretrained(model),
        )
        print(f"{len(pairs)} pairs, loss {trainer.train().training_loss:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("give the folder of a run of `bestofn sample`")
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else str(embedded.generator_path()))
