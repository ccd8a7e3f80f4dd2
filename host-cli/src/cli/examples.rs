//! The examples at the end of each command's help.

pub const TOP: &str = "Examples:
  seedbed demo                          See all of it on embedded data, in two minutes
  seedbed init raw/ --out seedbed.toml  Write a recipe for a folder of samples
  seedbed run seedbed.toml              Run it; run it again, and only what changed is redone

Exit codes: 0 done, 1 failed, 2 usage, 3 done with samples set aside (listed in set_aside.jsonl)";

pub const REPORT: &str = "Examples:
  seedbed report seedbed-run            Write report.html and report.json into the run folder
  seedbed report seedbed-run --out www  Write them elsewhere";

pub const STATUS: &str = "Examples:
  seedbed status seedbed-run                      How it stands, and what another run would do
  seedbed status seedbed-run --recipe other.toml  What it would do with another recipe
  seedbed status seedbed-run --json               The same as JSON

A stage is stale where its input or an option changed, or files of its result are gone. One that only follows
a stale stage is kept in the end if that gives the same bytes again.";

pub const VERIFY: &str = "Examples:
  seedbed verify seedbed-run             Every file and every sample of all stages
  seedbed verify seedbed-collect         A dataset: hash, counts, ids
  seedbed verify seedbed-collect --json  The same as JSON

Exit codes: 0 all is as it was recorded, 1 something is not (each file and sample is named), 2 usage";

pub const DIFF: &str = "Examples:
  seedbed diff run-1 run-2                              Stage by stage: options, samples, files
  seedbed diff run-1/02-preprocess run-1/03-prune       What pruning dropped, and why
  seedbed diff seedbed-collect other-collect --most 50  List up to 50 samples of each kind
  seedbed diff run-1 run-2 --json                       All of it as JSON

In runs, stages whose recorded content hashes are equal are not read: `seedbed verify` tells whether they are right.

Exit codes: 0 equal, 1 different (or failed, with an error), 2 usage";

pub const HASH: &str = "Examples:
  seedbed hash seedbed-collect         Print the hash: the same for any sharding
  seedbed hash seedbed-collect --json  The same as JSON
  seedbed hash seedbed-demo            Of all datasets and models of a run";

pub const COMPLETIONS: &str = "Examples:
  seedbed completions bash > ~/.local/share/bash-completion/completions/seedbed
  seedbed completions fish > ~/.config/fish/completions/seedbed.fish";

pub const INIT: &str = "Examples:
  seedbed init raw/                         Write seedbed.toml for a folder of pictures by class
  seedbed init table.csv --out table.toml   Write a recipe for a table
  seedbed init raw/ --force                 Overwrite seedbed.toml

The recipe must not lie among the samples. init only looks: it ends with 0 also where samples cannot be used, which it
counts; running the recipe sets them aside and ends with 3";

pub const DEMO: &str = "Examples:
  seedbed demo                    The embedded digits into seedbed-demo, with a report
  seedbed demo --seed 3 --out /tmp/d
  seedbed demo --data pictures/   The same on your own pictures, one folder per class

The files that the demo damages on purpose count as found, not as set aside: it ends with 0, and with 3 only where files
of your own could not be used. `seedbed run` on its recipe is a run like any other and ends with 3";

pub const RUN: &str = "Examples:
  seedbed run seedbed.toml                  Run all stages into seedbed-run, with a report
  seedbed run seedbed.toml --out /tmp/one   Choose the folder
  seedbed run seedbed.toml --seed 8 --json  Another seed; one JSON object on stdout
  seedbed run seedbed.toml --events -       What happens as JSON lines on stderr

A run that was killed goes on when it is started again. log.txt in its folder holds all that was said.";

pub const COLLECT: &str = "Examples:
  seedbed collect raw/                        A folder of pictures by class into seedbed-collect
  seedbed collect train-images-idx3-ubyte.gz  IDX arrays, with the labels beside them
  seedbed collect table.csv --label species   A table with a label column
  seedbed collect 'shards/*.tar'              All archives that the pattern matches
  curl -s URL | seedbed collect -             An archive, a table or another file on standard input
  seedbed collect raw/ --strict               Stop at the first damaged sample";

pub const AUGMENT: &str = "Examples:
  seedbed augment seedbed-prune --copies 2
  seedbed augment seedbed-prune --op '{ op = \"rotate\", degrees = [-15, 15] }'
  seedbed augment seedbed-prune --preview sheet.png --every-op  Only show what every operation does";

pub const SEARCH: &str = "Examples:
  seedbed search seedbed-prune                    Try 24 augmentations, print the best and what it gains
  seedbed search seedbed-prune --out augment.toml  Write the table [augment] for a recipe, too
  seedbed search seedbed-prune --for-generator --trials 48
  seedbed search seedbed-prune --by density       Where there are no labels, or they do not matter

The gain is measured on the val split, which the search does not see (without one, on a part of train that is held out
first), with its interval of 95 %. Where that holds 0 there is no gain beyond chance, and the advice is to augment nothing.
The small network, and pictures of at most 32 pixels a side, stand for what you will train: that may gain more, or less.";

pub const REPLAY: &str = "Examples:
  seedbed replay 'cat/1!augment00001' --dataset seedbed-augment --out copy.png";

pub const INSPECT: &str = "Examples:
  seedbed inspect seedbed-collect                 Print what is in it and what looks wrong
  seedbed inspect seedbed-collect --out findings  Write inspect.json, inspect.txt and issues.jsonl";

pub const PREPROCESS: &str = "Examples:
  seedbed preprocess seedbed-collect --size 32 --fit cover
  seedbed preprocess seedbed-collect --mode grey --normalize train";

pub const TRAIN: &str = "Examples:
  seedbed train seedbed-augment --epochs 30                         A VAE of dense layers
  seedbed train seedbed-augment --epochs 60 --resume seedbed-train  30 epochs more, into seedbed-train-resumed
  seedbed train seedbed-augment --model cdcgan --out gan            A GAN of convolutions, conditioned on the class
  seedbed train seedbed-augment --model cdcgan --from gan --freeze discriminator.0 --out tuned
  seedbed train seedbed-augment --from seedbed-train --lora 4 --shots 20 --out adapted

With --meta reptile or fomaml each class is a task: the model comes to weights from which a few steps on a few samples of a
new class go far, with --from, --only CLASS and --shots.";

pub const MODEL: &str = "Examples:
  seedbed model summary seedbed-train                              Of a trained model
  seedbed model summary --input 28x28 --hidden 400 --latent 20     Of one that could be trained
  seedbed model summary --input 8x8 --hidden 32 --latent 8 --target cortex-m4
  seedbed model convert seedbed-train --to onnx --out onnx         For ONNX Runtime and others
  seedbed model convert seedbed-train --to pytorch --out modules   For PyTorch
  seedbed model quantize seedbed-train --data seedbed-augment      In 8-bit whole numbers
  seedbed model check seedbed-train --data seedbed-augment         Whether it is sound";

pub const MODEL_CONVERT: &str = "Examples:
  seedbed model convert seedbed-train --to onnx --out onnx
  seedbed model convert seedbed-train --to pytorch --out modules
  seedbed model convert seedbed-train --out onnx --check 16    With samples to compare with

Files by model, as name.onnx or as a class of modules.py:
  VAE     encoder (sample to mean and log_variance), decoder (latent to sample), prior (noise to latent)
  GAN     generator (latent to sample, by the running mean), discriminator (sample to logit)
  VQ-VAE  encoder (sample to codes), decoder (codes to sample), prior (context to logits)
The batch is the first axis, of any size. Pictures are float32, channels x height x width, with pixels of 0 to 1; rows of
tables are on the scale of their columns, and are not brought to whole numbers and categories. A model that is conditioned
on classes reads their numbers, int64, as label. Latent values and noise are standard normal. Normalisation is inside, and
what else is to know lies in the metadata of each graph, or at the top of modules.py.

PyTorch's files, one for each network, hold the state_dict of a Sequential, and come back by
`seedbed train --from modules/decoder.safetensors --map decoder=`; those of a whole class come back without --map.";

pub const MODEL_SUMMARY: &str = "Examples:
  seedbed model summary seedbed-train                              Of a trained model
  seedbed model summary --input 28x28 --hidden 400 --latent 20     Of one that could be trained
  seedbed model summary --input 8x8 --hidden 32 --latent 8 --target cortex-m4
  seedbed model summary --input 28x28 --model vae-conv --batch 64 --json

Bytes are those of the library's own buffers, all of which the caller lends. On a device come code, the description of the
model and the stack, as the project's firmware measures them: one sample at a time, 32-bit floats, opt-level \"s\".";

pub const MODEL_QUANTIZE: &str = "Examples:
  seedbed model quantize seedbed-train --data seedbed-augment      Into seedbed-quantize/model-int8.safetensors
  seedbed model quantize seedbed-train --data seedbed-augment --calibrate 4096 --clip 0.9999
  seedbed model quantize gan --out gan-int8 --json                 A GAN calibrates on its own draws
  seedbed generate seedbed-augment --model seedbed-quantize        Draw by whole numbers

Each network is told in decibels: how much stronger its outputs are than their differences from single precision, on samples
and draws that it was not calibrated on. Below 20 dB there is a warning.";

pub const MODEL_CHECK: &str = "Examples:
  seedbed model check seedbed-train                                Its numbers, its layers, its draws
  seedbed model check seedbed-train --data seedbed-augment         On the test split, too
  seedbed model check seedbed-train --against seedbed-quantize     How far two models are apart

Exit codes: 0 nothing found, 1 something found (or failed, with an error), 2 usage";

pub const GENERATE: &str = "Examples:
  seedbed generate seedbed-augment --model seedbed-train --n 500
  seedbed generate seedbed-augment --model seedbed-train --per-class 100 --temperature 0.6";

pub const EXPORT: &str = "Examples:
  seedbed export seedbed-generate                        Folders of pictures by split and class
  seedbed export seedbed-generate --format npz           One file for numpy.load
  seedbed export seedbed-augment --splits train --format parquet
  seedbed export seedbed-augment --format webdataset --shard-samples 10000";

pub const PRUNE: &str = "Examples:
  seedbed prune seedbed-preprocess --dry-run          List what would go, drop nothing
  seedbed prune seedbed-preprocess --labels false     Leave suspected labels in
  seedbed prune seedbed-preprocess --size 5000        Keep the 5,000 that cover the data best";

pub const LABEL: &str = "Examples:
  seedbed label seedbed-collect                      Label the rest after the few that are labelled
  seedbed label seedbed-collect --base other-digits  Learn what makes samples alike from other classes
  seedbed label seedbed-collect --shots 5            Tell how well five labels of each class would do";

pub const EVALUATE: &str = "Examples:
  seedbed evaluate seedbed-augment --generated seedbed-generate
  seedbed evaluate seedbed-augment --generated seedbed-generate --features pca --components 16";

pub const BALANCE: &str = "Examples:
  seedbed balance seedbed-prune                                     Bring every class to the largest
  seedbed balance seedbed-prune --method augment --target 1000      Fill up with augmented copies
  seedbed balance seedbed-prune --method smote --target mean,rare=50";
