package main

import (
	"io"
	"log/slog"
)

// newLog makes the process's log: JSON for machines, text for a terminal.
func newLog(w io.Writer, level slog.Level, asText bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if asText {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// discardLog is for commands that print what they have to say themselves.
func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }
