package adminapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// put registers the setting of a thing that the path names, whether it was there or not.
func put[T any](a *API, o operation, deed func(context.Context, call, T) (T, error)) {
	o.Method = http.MethodPut
	huma.Register(a.huma, o.of(), func(ctx context.Context, in *struct{ Body T }) (*bodyOutput[T], error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		thing, err := deed(ctx, c, in.Body)
		return answer(c, thing, err)
	})
}

// drop registers the removal of a thing that has no versions, answered with 204.
func drop(a *API, o operation, deed func(context.Context, call) error) {
	o.Method = http.MethodDelete
	huma.Register(a.huma, o.of(), func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		c := callOf(ctx)
		err := c.noQuery()
		if err == nil {
			err = deed(ctx, c)
		}
		if err != nil {
			return nil, c.problem(err)
		}
		return nil, nil //nolint:nilnil // 204 has no body
	})
}

// actOn registers something that is done to what the path names, without a body.
func actOn[R any](a *API, o operation, deed func(context.Context, call) (R, error)) {
	o.Method = http.MethodPost
	if o.Status == 0 {
		o.Status = http.StatusOK
	}
	huma.Register(a.huma, o.of(), func(ctx context.Context, _ *struct{}) (*struct{ Body R }, error) {
		c := callOf(ctx)
		if err := c.noQuery(); err != nil {
			return nil, c.problem(err)
		}
		out, err := deed(ctx, c)
		if err != nil {
			return nil, c.problem(err)
		}
		return &struct{ Body R }{out}, nil
	})
}
