/** Everything that is asked of the server. All addresses are relative: the token stays in the page's own. */

/** An answer other than success; `status` 0: the server was not reached. */
export class ApiError extends Error {
  constructor(message, status, question = null) {
    super(message);
    this.status = status;
    this.question = question; // {option, choices: {value: words}}: what the server wants to know
  }

  get offline() {
    return this.status === 0;
  }
}

async function failure(response) {
  let message = `The server answered ${response.status}.`;
  let question = null;
  try {
    const body = await response.json();
    if (typeof body.error === "string") message = body.error;
    question = body.question ?? null;
  } catch {
    // Not JSON: the number has to do.
  }
  return new ApiError(message, response.status, question);
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.", 0);
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return (await request(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

const getJson = async (path) => (await request(path)).json();

export const listProjects = () => getJson("api/projects");
export const listFormats = () => getJson("api/formats");

/** A new project of the clip to try the tool with: {id}. */
export const sampleProject = () => post("api/projects/sample", {});

/** Send a video file; `progress` is called with the share that has left, 0..1. */
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest();
    sender.open("POST", `api/projects?name=${encodeURIComponent(file.name)}`);
    sender.responseType = "text";
    sender.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    sender.onerror = () => reject(new ApiError("The upload broke off: the server cannot be reached.", 0));
    sender.onload = () => {
      let body = {};
      try {
        body = JSON.parse(sender.responseText);
      } catch {
        // The status says enough.
      }
      if (sender.status < 300) resolve(body);
      else reject(new ApiError(body.error ?? `The server answered ${sender.status}.`, sender.status));
    };
    sender.send(file);
  });
}

/** One project of the server. */
export class ProjectApi {
  constructor(id) {
    this.base = `api/projects/${encodeURIComponent(id)}`;
  }

  state() {
    return getJson(this.base);
  }

  act(action) {
    return post(`${this.base}/actions`, action);
  }

  cancel() {
    return post(`${this.base}/cancel`, {});
  }

  async frame(t, signal) {
    return (await request(`${this.base}/frames/${t}`, { signal })).blob();
  }

  thumbnail(t) {
    return `${this.base}/thumbnails/${t}`;
  }

  /** Runs of frame `t`, an ArrayBuffer of little-endian uint32. */
  async labels(t, version, signal) {
    const address = `${this.base}/labels/${t}?version=${encodeURIComponent(version)}`;
    const cache = version === "live" ? "no-store" : "default";
    return (await request(address, { signal, cache })).arrayBuffer();
  }

  /** How much each frame of a round deserves a look, an ArrayBuffer of a byte per frame. */
  async scores(version) {
    return (await request(`${this.base}/scores/${encodeURIComponent(version)}`)).arrayBuffer();
  }

  startExport(format, options) {
    return post(`${this.base}/exports`, { format, options });
  }

  cancelExport(id) {
    return post(`${this.exportAddress(id)}/cancel`, {});
  }

  exportAddress(id) {
    return `${this.base}/exports/${encodeURIComponent(id)}`;
  }

  /** Masks of a file, `how`: format, frame (where the file itself does not say), first and values if chosen. */
  async importMasks(file, how) {
    const query = new URLSearchParams(Object.entries(how).filter(([, value]) => value !== null && value !== ""));
    return (await request(`${this.base}/imports?${query}`, { method: "POST", body: file })).json();
  }

  eventsAddress() {
    const address = new URL(`${this.base}/events`, document.baseURI);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.hash = "";
    return address;
  }
}
