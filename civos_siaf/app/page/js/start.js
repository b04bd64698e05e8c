/** The first screen: known projects, and a place to bring a video. */

import { listProjects, sampleProject, upload } from "./api.js";
import { byId, el, icon, setText } from "./dom.js";

function row(project, open) {
  const button = el("button", { class: "quiet", type: "button", on: { click: () => open(project.id) } });
  const size = el("span", { class: "muted figures", text: `${project.num_frames} frames` });
  button.append(icon("folder"), el("span", { text: project.name }), size);
  return el("li", {}, button);
}

async function bring(file, open) {
  const bar = byId("upload-progress");
  const status = byId("upload-status");
  status.classList.remove("bad");
  bar.hidden = false;
  try {
    const { id } = await upload(file, (share) => {
      bar.value = share;
      setText(status, share < 1 ? `Sending ${Math.round(100 * share)} %` : "Reading the video…");
    });
    open(id);
  } catch (error) {
    bar.hidden = true;
    status.classList.add("bad");
    setText(status, error.message);
  }
}

/** The clip to try the tool with. */
async function trySample(button, open) {
  const status = byId("upload-status");
  button.disabled = true;
  status.classList.remove("bad");
  setText(status, "Drawing a clip…");
  try {
    open((await sampleProject()).id);
  } catch (error) {
    status.classList.add("bad");
    setText(status, error.message);
  } finally {
    button.disabled = false;
  }
}

/** Show the screen; `open(id)` is called with the project to work on. */
export async function showStart(open) {
  byId("start").hidden = false;
  const picker = byId("video-file");
  picker.addEventListener("change", () => picker.files[0] && bring(picker.files[0], open));
  byId("sample").addEventListener("click", (event) => trySample(event.currentTarget, open));
  const drop = byId("drop");
  const over = (on) => (event) => {
    event.preventDefault();
    drop.classList.toggle("over", on);
  };
  window.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  window.addEventListener("drop", (event) => {
    over(false)(event);
    const file = event.dataTransfer.files[0];
    if (file) bring(file, open);
  });
  try {
    const projects = await listProjects();
    byId("projects").replaceChildren(...projects.map((project) => row(project, open)));
    byId("known").hidden = projects.length === 0;
  } catch (error) {
    setText(byId("upload-status"), error.message);
    byId("upload-status").classList.add("bad");
  }
}
