/* ppml - encrypted neural-network inference on the command line.  See --help. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "file.h"

typedef struct command {
  const char *name;
  int (*run)(int argc, char **argv);
  const char *summary;
  const char *help;
} command;

/* Of a command that reads a data set; the second one where no network says how values are scaled. */
#define DATASET_OPTIONS                                                                            \
  "  --data-mib M             memory for DATA.npz and what it unpacks to (2048)\n"                 \
  "  --shape H,W              how images lie in an array (N,H*W); or H,W,C, C,H,W\n"               \
  "  --relabel                number the classes in the order of their labels\n"
#define LEARNING_OPTIONS                                                                           \
  "  --method descent|gram|sums  as of learn (descent)\n"                                          \
  "  --passes P               likewise (1)\n"                                                      \
  "  --copies C               rows an image, as of encrypt\n"                                      \
  "  --ridge R                as of decrypt (0.001)\n"
#define BACKEND_OPTION "  --backend avx512|avx2|neon|ref  (the best that the CPU has)\n"
#define RANGE_OPTION                                                                               \
  "  --range LO,HI|data       values that are black and white (the type's; of\n"                   \
  "                           floats 0 and 1)\n"

static const command commands[] = {
    {"demo", cmd_demo, "the whole path on built-in data, with times",
     "ppml demo\n"
     "  --params SET             one network alone, the one that the set is for (both)\n"
     "  --write-sample FILE.pgm  one of the built-in images, for ppml encrypt, and\n"
     "                           nothing else\n"
     "  --threads T              (all processors)\n" BACKEND_OPTION "  --json\n"},
    {"pack", cmd_pack, "a table of labels and its pictures as a data set",
     "ppml pack LABELS.csv -o DATA.npz\n"
     "  --side S                 of the images, which are made square (28)\n"
     "  --rgb                    keep colours (gray)\n"
     "  --images DIR             where the table's files are (beside the table)\n"
     "  --file-column NAME       column of the files: PNG, JPEG, DICOM, PNM (file,\n"
     "                           path, image and the like)\n"
     "  --label-column NAME,...  column of the labels (label, class, Finding Labels\n"
     "                           and so on), or several of 0, 1, -1 and nothing (two\n"
     "                           or more that have nothing else)\n"
     "  --classes A,B,...        the label column has these names, for 0, 1 and so on\n"
     "                           (those that it has, in alphabetical order)\n"
     "  --uncertain zero|one|skip  what a label of -1 is (refused)\n"
     "  --split-column NAME      column of train, val or test (split, subset, set)\n"
     "  --patient-column NAME    column of who it is (patient, Patient ID, subject)\n"
     "  --split T,V,E            shares of train, val and test, where no column says\n"
     "                           so: of each class, patients together (0.8,0.1,0.1)\n"
     "  --seed S                 the same seed gives the same splits (1)\n"
     "  --data-mib M             memory for the images (2048)\n"
     "  --window C,W|full        of DICOM files, as of encrypt\n"
     "  --frame N                likewise\n"
     "  --json\n"
     "  An .npz like MedMNIST's, stored; the same input gives the same bytes.  Images\n"
     "  are cut to their central square and scaled by averaging areas.\n"},
    {"train", cmd_train, "train a network on a data set",
     "ppml train DATA.npz -o MODEL.ppml\n"
     "  --hidden 16[,N...]       neurons of each hidden layer; 0 for none: a linear\n"
     "                           model (16)\n"
     "  --activation square|polynomial|relu|sign|clipped-square\n"
     "                           square, or polynomial of degree 2 with learnt\n"
     "                           coefficients: one hidden layer, no bootstraps;\n"
     "                           others: any depth, bootstrapped (square; relu of\n"
     "                           none, of several hidden layers and of more than 128\n"
     "                           neurons)\n"
     "  --task class|grade|labels  grade: the classes are in an order (class); several\n"
     "                           labels an image are told by the data, one-hot columns\n"
     "                           are classes unless it is labels\n"
     "  --epochs E               passes over the training images (60; linear: 20)\n"
     "  --patience E             stop when so many bring nothing better; 0: never (0)\n"
     "  --seed S                 the same seed gives the same network (1)\n"
     "  --seeds N                train N networks and keep the best by validation (2;\n"
     "                           linear: 1)\n"
     "  --input-bits B           1 to 8 bits a pixel (4; linear: 8, less for large\n"
     "                           images)\n"
     "  --weight-bits B          2 (ternary) to 8 bits a weight (2 before square and\n"
     "                           polynomial; linear: 8; else 4)\n"
     "  --noise SET|none         train under the noise of a set with bootstraps\n"
     "                           (precise)\n"
     "  --rate R                 of the steps, at its highest (0.005)\n"
     "  --decay D                of a linear model's weights, 0 to 100 (of 0.1, 1, 10\n"
     "                           and 30 the one that validation favours)\n"
     "  --balance B              0: images weigh the same, to 1: classes do (1)\n"
     "  --warp W                 strength of the changes to images, 0 to 3 (1)\n"
     "  --flip none|h|v|hv       mirror images as well (none)\n"
     "  --threads T              the network does not depend on it (all processors)\n"
     "  --class-names A,B,...    what decrypt and info call the classes\n" DATASET_OPTIONS
         RANGE_OPTION "  --json\n"
     "a pooled network of latents, by any of the options that begin so:\n"
     "  --encoder F              side of the patches that latents are made of: 1, 2,\n"
     "                           4, 8 or 16 (8); of a data set of latents, which has\n"
     "                           32-bit floats, none\n"
     "  --latents C              1 to 16 channels of latents (2)\n"
     "  --regions R              pool over R x R regions (4)\n"
     "  --kernel K               side of the convolution's kernels (3)\n"
     "  --linear all|none|N      linear weights: of each latent, none, or of N x N\n"
     "                           cells (all)\n"
     "  --latent-bits B          2 to 8 bits a latent (5)\n"
     "  --weight-bits B          2 to 8 bits a weight of squares (5)\n"
     "  --copies N               changed copies of each training image, up to 31 (4)\n"
     "  --absolute               do not standardise each image's latents\n"
     "  --se J                   squeeze and excitation of J channels behind them,\n"
     "                           by bootstraps\n"
     "  --head H                 H clipped ReLU behind them, by bootstraps\n"
     "  and --task, --seed, --warp, --flip, --balance, --threads, --class-names\n"},
    {"latents", cmd_latents, "what an encoder makes of images, to look at",
     "ppml latents MODEL.ppml IMAGE|DATA.npz -o LATENTS.npy\n"
     "  --picture FILE.pgm       the picture that the latents amount to, of the first\n"
     "                           image (PPM of colours)\n"
     "  --fit                    cut and scale a picture of another shape\n"
     "  --window C,W|full        of a DICOM file, as of encrypt\n"
     "  --frame N                likewise\n"
     "  --split train|val|test   images of a data set (test)\n"
     "  --index I                image number I of the split alone\n"
     "  --count N                the first N images (all)\n" DATASET_OPTIONS "  --json\n"
     "  Latents are integers of (C, H, W), or (N, C, H, W) of a data set.  Prints how\n"
     "  near the pictures that they amount to are to the images: PSNR, in decibels.\n"},
    {"import", cmd_import, "take over a network that was trained elsewhere",
     "ppml import NET.onnx DATA.npz -o MODEL.ppml\n"
     "  --mean M[,M,M]           a byte p of a channel enters the network as\n"
     "                           (p / 255 - M) / S (0)\n"
     "  --std S[,S,S]            (1)\n"
     "                           neither for a file whose input is bytes (uint8)\n"
     "  --layout chw|hwc         order in which the network takes the values of an\n"
     "                           image (what the file declares; where it does not\n"
     "                           say, chw)\n"
     "  --output NAME            the output that is the scores, where the file has\n"
     "                           several (the one nearest to logits)\n"
     "  --split train|val|test   images to choose ranges by (train)\n"
     "  --agreement A            exit 77 where fewer of these images have the answer\n"
     "                           that the file's own arithmetic gives (0.98)\n"
     "  --input-bits B           1 to 8 bits a pixel (8; of a convolution 6)\n"
     "  --weight-bits B          2 to 8 bits a weight (8; of a convolution 6)\n"
     "  --class-names A,B,...    what decrypt and info call the classes\n" DATASET_OPTIONS
         RANGE_OPTION "  --json\n"
     "  Dense layers one behind the other (Gemm, MatMul, LinearClassifier), with any\n"
     "  function of one value between them (Relu, Clip, Max, LeakyRelu, PRelu, Tanh,\n"
     "  Sigmoid, Gelu, Pow, Where, x * x, ...), and what is folded into them: Add,\n"
     "  Sub, Mul, Div by constants, BatchNormalization, Scaler, Cast, Reshape,\n"
     "  Flatten, Transpose, Slice, Concat, Identity, Dropout, QuantizeLinear and\n"
     "  DequantizeLinear of 4, 8 and 16 bits; weights of float, float16, bfloat16 or\n"
     "  integers, in the file or beside it; functions of the file's own; as PyTorch\n"
     "  (both exporters), ONNX Runtime (QDQ), Brevitas (QCDQ) and skl2onnx write them.\n"
     "  A Softmax, Sigmoid, ArgMax or ZipMap at the end is left away: it changes no\n"
     "  class.  A batch of fixed size is one image.\n"
     "  Pixels enter from 0 to 1, less --mean and over --std: a network that\n"
     "  takes floats from 0 to 255 wants --std 0.00392157.\n"
     "  Or one Conv padded by K - 1, whose results go through polynomials of degree 2\n"
     "  and GlobalAveragePool to a Gemm; of pictures, or of a data set of latents.\n"},
    {"features", cmd_features, "a public map to learn by, fitted without labels",
     "ppml features DATA.npz -o MAP.ppml\n"
     "  --count N                features: frequencies of an image, whitened (64)\n"
     "  --fit N                  training images that it is fitted on (500)\n"
     "  --public OTHER.npz       fit it on these images instead, of the same shape\n"
     "  --task class|grade       grade: the classes are in an order (class)\n"
     "  --class-names A,B,...    what decrypt and info call the classes\n"
     "  --seed S                 the same seed gives the same map (1)\n" DATASET_OPTIONS
         RANGE_OPTION "  --json\n"
     "  The server gets the map.  It tells the mean and the covariance of the coarse\n"
     "  shapes of the images it was fitted on, of no single image.\n"},
    {"simulate", cmd_simulate, "what encryption is expected to do to the answers",
     "ppml simulate MODEL.ppml|CIRCUIT.ppml DATA.npz\n"
     "  --split train|val|test   (test)\n"
     "  --params auto|SET        for a model: the set to simulate (what compile would\n"
     "                           choose)\n"
     "  --agreement A            exit 77 where less is expected (the circuit's; 0.995)\n"
     "  --draws D                of the noise, for each image (100 to 1000)\n"
     "  --count N                the first N images (all)\n"
     "  --seed S                 the same seed gives the same draws (1)\n" DATASET_OPTIONS
     "  --json\n"
     "ppml simulate --learn MAP.ppml DATA.npz\n" LEARNING_OPTIONS
     "  --draws D                simulated runs (20)\n"
     "  --seed S                 of the order of images and the draws (1)\n"
     "  --orders N               so many orders of the images (1)\n"
     "  the model from the training images, judged by the split\n"},
    {"compile", cmd_compile, "plan a circuit: choose parameters, lay a model out",
     "ppml compile MODEL.ppml -o CIRCUIT.ppml --client CLIENT.ppml\n"
     "  --agreement A            share of the answers that encryption must not change,\n"
     "                           as predicted; exit 77 where no set can do it (0.995;\n"
     "                           with a set that is named: whatever comes of it)\n"
     "  --params auto|SET        ppml info --params lists the sets (auto: the fastest\n"
     "                           standard set that will do; `exact`, where no other\n"
     "                           does)\n"
     "  --no-calibration         do not measure this machine to predict the time\n"
     "  --output scores|class    class: the answer alone, which bootstraps make of the\n"
     "                           scores: a client sees neither these nor\n"
     "                           probabilities (scores)\n"
     "  --publish N              so many scores may be published under one key, by\n"
     "                           decrypt --flooded-scores: with noise that hides the\n"
     "                           key (none)\n"
     "  --json\n"},
    {"export", cmd_export, "a circuit, client spec or model as a C header for firmware",
     "ppml export (CIRCUIT.ppml|CLIENT.ppml|MODEL.ppml) -o FILE.h\n"
     "  --name NAME              what its names begin with (circuit, client or model)\n"
     "  Constant arrays, used in place from flash; NAME_init() fills the structure.\n"},
    {"keygen", cmd_keygen, "make a client's keys",
     "ppml keygen CLIENT.ppml --secret-key SK --eval-key EK [--threads T] [--force]\n"
     "ppml keygen CLIENT.ppml --secret-key SK    of the set linear, which has no other\n"
     "ppml keygen MAP.ppml ...   keys to learn with, for a map of ppml features\n"
     "  SK stays with the client (mode 0600), EK goes to the server.  Both are\n"
     "  written, or neither.  Prints ids: the client id, of all that the client uses,\n"
     "  is the one that info says of circuit and client spec.\n"
     "  --force                  replace SK where it is a secret key: what was\n"
     "                           encrypted for that one can never be read again\n"},
    {"encrypt", cmd_encrypt, "encrypt an image",
     "ppml encrypt --secret-key SK IMAGE -o IN.ct     IMAGE: PNG, JPEG, DICOM,\n"
     "                                                PGM, PPM, PBM, PAM, or an\n"
     "                                                array of an .npy\n"
     "  --fit                    cut, scaled and made gray as by pack (of the\n"
     "                           network's size)\n"
     "  --window C,W|full        of a DICOM file: center and width of the values that\n"
     "                           are shown, or all that its bits can have (its first)\n"
     "  --frame N                of a DICOM file of several, counted from 1\n"
     "ppml encrypt --secret-key SK DATA.npz --split test --index I -o IN.ct\n"
     "  --split train|val|test   which images\n"
     "  --index I                image number I of these\n" DATASET_OPTIONS
     "  --requests FILE          where the image is noted as asked about (SK.requests)\n"
     "ppml encrypt --secret-key SK --training MAP.ppml DATA.npz -o SET.ct\n"
     "  --method descent|gram|sums  what the rows are for: ppml learn (descent)\n"
     "  --split train|val|test   which images (train)\n"
     "  --count N                the first N of them (all)\n"
     "  --copies C               rows an image, with warped copies; all classes get\n"
     "                           as many rows (1.5; 1 for several labels)\n"
     "  --threads T              (all processors)\n"
     "  Sums are not for learning from encrypted images: they are added up in the\n"
     "  clear first, and the server adds those of several owners.\n"
     "ppml encrypt --secret-key SK --features MAP.ppml DATA.npz --split test -o IN.ct\n"
     "  all images in one file, for a model that stays encrypted; or one picture\n"},
    {"learn", cmd_learn, "learn from training sets that stay encrypted",
     "ppml learn SET.ct... --eval-key EK -o MODEL.ct\n"
     "  --method descent|gram|sums  what the sets must have been encrypted for (what\n"
     "                           they were)\n"
     "      descent              the server learns, by descent with bootstraps:\n"
     "                           minutes\n"
     "      gram                 the server makes second moments, the key's owner\n"
     "                           solves for the model: seconds\n"
     "      sums                 adds up what owners summed in the clear: aggregation\n"
     "  --passes P               of descent, over all rows (1)\n"
     "  --checkpoint FILE        what an interrupted descent goes on from, when it\n"
     "                           is started again with the same sets; removed at\n"
     "                           the end (MODEL.ct.checkpoint)\n"
     "  --every SECONDS          between checkpoints; 0: after each step (30)\n"
     "  --threads T              (all processors)\n" BACKEND_OPTION "  --json\n"
     "  Several sets are learnt from together: of several owners under one key, who\n"
     "  must trust the key's holder, to whom all rows are readable.\n"},
    {"infer", cmd_infer, "run a circuit on encrypted images",
     "ppml infer CIRCUIT.ppml --eval-key EK IN.ct... -o OUT.ct\n"
     "ppml infer CIRCUIT.ppml IN.ct... -o OUT.ct    of the set linear\n"
     "ppml infer MODEL.ct --eval-key EK IN.ct -o OUT.ct    by a model of ppml learn\n"
     "  --threads T              (all processors)\n"
     "  --batch B                images worked on together (8)\n"
     "  --stream                 read the evaluation key as it is used: little memory,\n"
     "                           more time\n" BACKEND_OPTION},
    {"decrypt", cmd_decrypt, "decrypt the answers",
     "ppml decrypt --secret-key SK OUT.ct [--json]\n"
     "  --requests FILE          the images that were asked about (SK.requests);\n"
     "                           others, and those answered before, are refused\n"
     "  --scores                 also the unrounded scores, for the key's owner alone:\n"
     "                           who reads some thousand of them computes the secret\n"
     "                           key\n"
     "  --flooded-scores         also scores with noise added, which may be published:\n"
     "                           as many as compile --publish allowed; answers are\n"
     "                           then read off these\n"
     "  Class and probability in steps of 5 %, rounded so that they tell next to\n"
     "  nothing of the key.  Even these must not go back to a server that may have\n"
     "  made OUT.ct to learn it.\n"
     "ppml decrypt --secret-key SK --features MAP.ppml MODEL.ct -o MODEL.ppml\n"
     "  an encrypted model becomes an ordinary one, with no hidden layer\n"
     "  --ridge R                of gram and sums (0.001)\n"},
    {"verify", cmd_verify, "clear, simulated and encrypted answers side by side",
     "ppml verify CIRCUIT.ppml DATA.npz\n"
     "  --split train|val|test   (test)\n"
     "  --agreement A            exit 77 where less is measured, but for chance (what\n"
     "                           the circuit promises); 70 where it is not as\n"
     "                           predicted\n"
     "  --count N                the first N images (all)\n"
     "  --threads T              (all processors)\n"
     "  --batch B                images worked on together (1)\n" BACKEND_OPTION DATASET_OPTIONS
     "  --json\n"
     "ppml verify --learn MAP.ppml DATA.npz\n" LEARNING_OPTIONS
     "  --draws D                simulated runs (20)\n"
     "  --seed S                 of the order of images and the draws (1)\n"
     "  the model from the training images, judged by the split\n"},
    {"bench", cmd_bench, "what each step costs on this machine",
     "ppml bench\n"
     "  --params SET             ppml info --params lists the sets (fast)\n"
     "  --threads T              also time T threads: each with its bootstraps, or\n"
     "                           sharing the images of a leveled set (1)\n" BACKEND_OPTION
     "  --json\n"},
    {"info", cmd_info, "what a file is, or which parameter sets there are",
     "ppml info FILE [--json]\n"
     "ppml info --params [--json]\n"},
};

/* What commands read, behind their options. */
static const char reads_dataset[] =
    "DATA.npz, as numpy.savez makes it, stored or compressed:\n"
    "  arrays     train_images and train_labels, val_..., test_...; x_train, y_train\n"
    "             and the like; or images and labels.  Without val, train gives a\n"
    "             tenth of each class; test may be missing\n"
    "  images     (N,H,W), (N,H,W,1 or 3), (N,1 or 3,H,W), or (N,H*W) by --shape; of\n"
    "             bool, integers and floats of any size.  What is no byte is scaled\n"
    "             by --range, which the network keeps for other images\n"
    "  labels     (N) or (N,1): 0, 1 and so on, of any type; (N,L): several of 0\n"
    "             and 1, or one-hot\n";
static const char reads_table[] =
    "LABELS.csv, UTF-8, with commas, semicolons or tabs, and a header; or MedMNIST's\n"
    "own without one.  Labels are numbers, names, several findings with | between\n"
    "them, or columns of 0 and 1.  Files are looked for beside the table, in a folder\n"
    "called like it, or in --images, with their ending in either case.\n";
static const char reads_image[] =
    "An .npy has one image of the network's shape: bytes, uint16, floats of 0 to 1,\n"
    "or values of the --range that the network was trained by.\n";

static const struct {
  int (*run)(int argc, char **argv);
  const char *text;
} reads[] = {{cmd_train, reads_dataset},
             {cmd_import, reads_dataset},
             {cmd_features, reads_dataset},
             {cmd_pack, reads_table},
             {cmd_encrypt, reads_image}};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void print_help(void) {
  puts("ppml " PPML_VERSION ": classify images that stay encrypted\n");
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    printf("  ppml %-8s %s\n", commands[i].name, commands[i].summary);
  puts("\nppml help COMMAND tells its options.  A file named - is standard input or\n"
       "output.\n"
       "Exit status: 0 done, 64 usage, 65 bad input, 66 input missing, 70 internal,\n"
       "73 cannot create, 74 input or output failed, 77 refused.");
}

static const command *find(const char *name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++)
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  return NULL;
}

static int wants_help(int argc, char **argv) {
  for (int i = 1; i < argc; i++)
    if (strcmp(argv[i], "--help") == 0) return 1;
  return 0;
}

/* A full disk behind standard output is an error too. */
static int flushed(int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  return status ? status : cli_fail(CLI_IO, "standard output", "cannot be written");
}

static void print_command(const command *c) {
  fputs(c->help, stdout);
  for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
    if (reads[i].run == c->run) fputs(reads[i].text, stdout);
}

/* `ppml help`, `ppml help COMMAND`. */
static int help(const char *name) {
  const command *c = name ? find(name) : NULL;
  if (name && !c) return cli_fail(CLI_USAGE, name, "no such command (see ppml help)");
  if (c) print_command(c);
  else print_help();
  return flushed(CLI_OK);
}

int main(int argc, char **argv) {
  if (argc < 2) return cli_fail(CLI_USAGE, "usage", "ppml COMMAND ... (see ppml help)");
  if (strcmp(argv[1], "--help") == 0) return help(NULL);
  if (strcmp(argv[1], "help") == 0) {
    if (argc > 3) return cli_fail(CLI_USAGE, "help", "unexpected %s (see ppml help)", argv[3]);
    return help(argc == 3 && strcmp(argv[2], "--help") != 0 ? argv[2] : NULL);
  }
  if (strcmp(argv[1], "--version") == 0) {
    puts("ppml " PPML_VERSION);
    return flushed(CLI_OK);
  }
  const command *c = find(argv[1]);
  if (c == NULL) return cli_fail(CLI_USAGE, argv[1], "no such command (see ppml help)");
  if (wants_help(argc - 1, argv + 1)) return help(argv[1]);
  file_catch_signals();
  return flushed(c->run(argc - 1, argv + 1));
}
