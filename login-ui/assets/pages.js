// Comfort for the forms. Every page works without it.

const password = document.getElementById("password");
const show = document.getElementById("password-show");
const caps = document.getElementById("caps");

// A button that shows the password while it is pressed in. The form never sends
// it as plain text that the browser would remember.
if (password && show) {
  const set = (visible) => {
    password.type = visible ? "text" : "password";
    show.setAttribute("aria-pressed", String(visible));
  };
  show.hidden = false;
  show.addEventListener("click", () => {
    set(password.type === "password");
    password.focus();
  });
  password.form.addEventListener("submit", () => set(false));
}

if (password && caps) {
  const hint = (event) => {
    const on = event.getModifierState?.("CapsLock");
    caps.textContent = on ? caps.dataset.text : "";
  };
  password.addEventListener("keydown", hint);
  password.addEventListener("keyup", hint);
  password.addEventListener("blur", () => {
    caps.textContent = "";
  });
}

// A rough measure while a new password is typed: its length against what is asked
// for, and how many different characters it has. The server has the last word, with
// dictionaries that are too large for a page.
const strength = document.getElementById("strength");
if (password && strength) {
  password.addEventListener("input", () => {
    const typed = [...password.value.normalize("NFC").toLowerCase()];
    const length = typed.length / (password.minLength > 0 ? password.minLength : 15);
    const variety = Math.min(new Set(typed).size / 9, 1);
    strength.value = Math.floor(Math.min(length < 1 ? length * 1.9 : 2 + length, 4) * variety);
    strength.hidden = typed.length === 0;
  });
}

// Says that something is happening when an answer takes longer than a moment.
let waiting;
for (const form of document.forms) {
  form.addEventListener("submit", () => {
    const progress = form.querySelector(".progress");
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (progress) {
        progress.textContent = progress.dataset.text;
      }
    }, 400);
  });
}

// The browser may bring the page back as it was left.
addEventListener("pageshow", (event) => {
  if (!event.persisted) {
    return;
  }
  clearTimeout(waiting);
  for (const progress of document.querySelectorAll(".progress")) {
    progress.textContent = "";
  }
});

// Codes are pasted as they are written in a mail, with a space.
const code = document.querySelector("input[inputmode=numeric]#code");
code?.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text").replace(/\D/gu, "");
  if (text) {
    event.preventDefault();
    code.value = text.slice(0, code.maxLength);
  }
});
code?.addEventListener("input", () => {
  const digits = code.value.replace(/[\s-]/gu, "");
  if (digits !== code.value) {
    code.value = digits;
  }
});

// Recovery codes, to take along.
const codes = document.getElementById("codes");
if (codes) {
  const text = () => {
    const all = [...codes.querySelectorAll("li")].map((entry) => entry.textContent.trim());
    return [codes.dataset.head, "", ...all, ""].join("\n");
  };
  const act = (id, what) => {
    const control = document.getElementById(id);
    control.hidden = false;
    control.addEventListener("click", () => what(control));
  };
  if (navigator.clipboard) {
    act("codes-copy", async (control) => {
      await navigator.clipboard.writeText(text());
      document.getElementById("codes-status").textContent = control.dataset.done;
    });
  }
  act("codes-download", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text()], { type: "text/plain" }));
    link.download = codes.dataset.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  act("codes-print", () => print());
}

// Passkeys. Where the browser has none the page stays as it is, with its other ways.
{
  const form = document.getElementById("passkey");
  const button = document.getElementById("passkey-button");
  const status = document.getElementById("passkey-status");
  const Credential = globalThis.PublicKeyCredential;
  const supported = Boolean(
    Credential?.parseRequestOptionsFromJSON && Credential.parseCreationOptionsFromJSON && Credential.prototype.toJSON,
  );

  // The wait for a passkey that the browser offers in the field for the name.
  let waiting;

  const say = (what) => {
    status.textContent = status.dataset[what] ?? "";
  };

  // The server makes options for one ceremony; those before them are void.
  async function options() {
    const fields = form.dataset.fields?.split(" ").map((name) => [name, form.elements[name].value]);
    const body = fields && new URLSearchParams(fields);
    const answer = await fetch(form.dataset.options, { method: "POST", headers: { Accept: "application/json" }, body });
    if (fields && answer.status < 500 && !answer.ok) {
      return undefined;
    }
    if (!answer.ok) {
      throw new Error(`options: ${answer.status}`);
    }
    return answer.json();
  }

  // The server checks what is typed, with words of its own.
  function send(credential) {
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.noValidate = true;
    form.requestSubmit();
  }

  async function ask() {
    waiting?.abort();
    say("");
    try {
      const json = await options();
      if (!json) { // the form says what is wrong with a field
        send({ toJSON: () => ({}) });
        return;
      }
      const credential = "create" in form.dataset
        ? await navigator.credentials.create({ publicKey: Credential.parseCreationOptionsFromJSON(json) })
        : await navigator.credentials.get({ publicKey: Credential.parseRequestOptionsFromJSON(json) });
      send(credential);
    } catch (error) {
      const known = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };
      say(known[error.name] ?? "failed");
    }
  }

  // Offers passkeys in the field for the name. It says nothing when that fails.
  async function offer() {
    if (!(await Credential.isConditionalMediationAvailable?.())) {
      return;
    }
    waiting = new AbortController();
    const { signal } = waiting;
    try {
      const json = await options();
      if (!signal.aborted) {
        send(await navigator.credentials.get({ mediation: "conditional", signal, publicKey: Credential.parseRequestOptionsFromJSON(json) }));
      }
    } catch {
      // The person does something else.
    }
  }

  if (supported) {
    for (const hidden of document.querySelectorAll("[data-passkey]")) {
      hidden.hidden = false;
    }
  }

  if (supported && form && button) {
    form.hidden = false;
    button.hidden = false;
    document.getElementById("passkey-absent")?.remove();
    button.addEventListener("click", ask);
    if ("conditional" in form.dataset) {
      offer();
    }
  }

  // A passkey that was deleted here need not be offered any more.
  const gone = document.querySelector("[data-unknown-credential]");
  if (gone && Credential?.signalUnknownCredential) {
    Credential.signalUnknownCredential({ rpId: gone.dataset.rpId, credentialId: gone.dataset.unknownCredential }).catch(() => {});
  }
}
