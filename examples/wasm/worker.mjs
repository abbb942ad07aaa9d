// Makes an evaluation key in a Worker, slice by slice: see EvaluationKeyMaker of ppml.mjs.
//
//   first message           { program, secretKey, run }     a WebAssembly.Module, and what the client saved
//   from a byte on          { turn, from, sliceBytes }      answered by { turn, slice }
//   the next of that turn   { turn, more }                  likewise; a slice of no bytes is the end
//   whatever failed                                         { error: { code, message } }
import { Client } from "./ppml.mjs";

let client = null, turn = 0, bytes = 0;

async function begin({ program, secretKey, run }) {
  client = await Client.open(program, secretKey);
  client.resumeEvaluationKey(run);
  secretKey.fill(0);
  run.fill(0);
}

function answer(message) {
  if (!message.more) {
    turn = message.turn;
    bytes = message.sliceBytes;
    client.seekEvaluationKey(message.from);
  } else if (message.turn !== turn) return;
  const slice = client.makeEvaluationKey(bytes);
  postMessage({ turn, slice }, [slice.buffer]);
}

let last = Promise.resolve(); // messages in their order: the first takes time
onmessage = ({ data }) => {
  last = last
    .then(() => (data.program ? begin(data) : answer(data)))
    .catch((e) => postMessage({ error: { code: e.code ?? 0, message: e.message } }));
};
