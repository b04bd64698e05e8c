/** A map with a byte budget: what was used longest ago leaves first. */
export class Lru {
  constructor(budget, leave = () => {}) {
    this.budget = budget;
    this.leave = leave;
    this.size = 0;
    this.entries = new Map();
  }

  get(key) {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  has(key) {
    return this.entries.has(key);
  }

  put(key, value, size) {
    this.remove(key);
    this.entries.set(key, { value, size });
    this.size += size;
    while (this.size > this.budget && this.entries.size > 1) this.remove(this.entries.keys().next().value);
  }

  remove(key) {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.entries.delete(key);
    this.size -= entry.size;
    this.leave(entry.value);
  }
}
