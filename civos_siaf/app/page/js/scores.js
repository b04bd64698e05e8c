/** How much each frame of the last round deserves a look: fetched once per round, the state only names them. */

/** Keep `store.scores` (a byte per frame, or null) with the state; a fetch that failed is tried again. */
export function keepScores(store, api) {
  let wanted = null;
  store.watch(["state"], async () => {
    const version = store.state.scores;
    if (version === wanted) return;
    wanted = version;
    store.set({ scores: null });
    if (version === null) return;
    try {
      const values = new Uint8Array(await api.scores(version));
      if (version === wanted) store.set({ scores: values });
    } catch {
      // The state has gone on, or the server is away: the next state says what to do.
      if (version === wanted) wanted = null;
    }
  });
}
