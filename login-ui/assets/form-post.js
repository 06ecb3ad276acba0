// Sends the answer on to the application, once: coming back to this page with the
// browser's Back button does not send it again.
const [navigation] = performance.getEntriesByType("navigation");
const form = document.getElementById("form-post");

if (form && navigation?.type !== "back_forward") {
  form.submit();
}
