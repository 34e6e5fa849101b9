// @ts-check
/* The page's own requests: same origin, a permit in a header, one retry with a fresh permit. */

/** What the server said went wrong. */
export class Refused extends Error {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

const WAIT_MS = 15000;
const AGAIN_MS = 400;

export class Api {
  /** @param {() => void} renew asks the page's script for a new permit @param {string} base what every path is below */
  constructor(renew, base = "/api/runs/") {
    this.renew = renew;
    this.base = base;
    this.permit = "";
    /** @type {Array<() => void>} */
    this.waiting = [];
  }

  /** Take the permit that came with the page's data. @param {string} permit */
  take(permit) {
    this.permit = permit;
    for (const go of this.waiting.splice(0)) go();
  }

  /** @param {string} path below the base */
  get(path) {
    return this.ask(path, {}, false);
  }

  /** @param {string} path below the base @param {any} told */
  post(path, told) {
    return this.ask(path, { method: "POST", body: JSON.stringify(told) }, false);
  }

  /** @param {string} path @param {RequestInit} how @param {boolean} again */
  async ask(path, how, again) {
    const ask = () => fetch(`${this.base}${path}`, {
      ...how,
      headers: { authorization: `Bearer ${this.permit}`, ...(how.body ? { "content-type": "application/json" } : {}) },
      credentials: "same-origin", // a login, ours or that of a proxy in front, is in a cookie
      cache: "no-store",
    });
    let answer;
    try {
      // Browsers drop requests when a network interface comes or goes: once more before saying so.
      answer = await ask().catch(() => new Promise((go) => setTimeout(go, AGAIN_MS)).then(ask));
    } catch {
      throw new Refused(0, "The viewer does not answer. Start it again with `tellwhy view`, then reload this page.");
    }
    if (answer.status === 401 && !again) {
      await this.fresh();
      return this.ask(path, how, true);
    }
    let told = null;
    try {
      told = await answer.json();
    } catch {
      throw new Refused(answer.status, `The viewer answered ${answer.status} without a reason. Reload this page.`);
    }
    if (!answer.ok) throw new Refused(answer.status, told.error || `The viewer answered ${answer.status}.`);
    return told;
  }

  /** Wait until a new permit has come. */
  fresh() {
    return new Promise((go) => {
      this.waiting.push(() => go(undefined));
      setTimeout(go, WAIT_MS);
      this.renew();
    });
  }
}
