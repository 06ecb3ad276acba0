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
