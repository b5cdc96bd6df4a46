package fullcast

import (
	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

type adminCheck struct {
	Kind       metadata.Kind    `json:"kind"`
	App        string           `json:"app"`
	Worst      policy.Severity  `json:"worst"` // empty where nothing was found
	ToCorrect  int              `json:"toCorrect"`
	Note       string           `json:"note,omitempty"`
	Org        *adminNames      `json:"org,omitempty"`
	Findings   []policy.Finding `json:"findings"`
	NotVisible []policy.Unseen  `json:"notVisible"`
	Passed     []string         `json:"passed"`
}

func (a *adminAPI) check(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	conn, err := a.c.Open(r.Context(), now.Key)
	if err != nil {
		return a.refuse(r, err)
	}
	report, err := conn.Check(r.Context())
	if err != nil {
		return a.refuse(r, err)
	}
	out := adminCheck{
		Kind: report.Kind, App: report.App, Worst: report.Worst(), Note: report.Note, Org: conn.names(r.Context()),
		Findings: append([]policy.Finding{}, report.Findings...), NotVisible: append([]policy.Unseen{}, report.NotVisible...),
		Passed: append([]string{}, report.Passed...),
	}
	for _, f := range report.Findings {
		if f.Severity != policy.SeverityNote {
			out.ToCorrect++
		}
	}
	return adminhttp.OK(out)
}

type adminDiagnosis struct {
	Cause *adminLine  `json:"cause,omitempty"` // the first problem in the order of looking; those after it may follow from it
	Lines []adminLine `json:"lines"`
}

type adminLine struct {
	Code    string            `json:"code"`
	Subject string            `json:"subject"`
	Outcome string            `json:"outcome"`
	Text    string            `json:"text"`
	Remedy  *adminhttp.Remedy `json:"remedy,omitempty"`
}

func (a *adminAPI) diagnose(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	out := adminDiagnosis{Lines: []adminLine{}}
	for _, l := range a.c.connection(now).Diagnose(r.Context()).Lines {
		line := adminLine{word(l.Subject), l.Subject, word(string(l.Outcome)), l.Text, a.remedy(l.Remedy, l.ForAdmin)}
		out.Lines = append(out.Lines, line)
		if out.Cause == nil && l.Outcome == OutcomeProblem {
			out.Cause = &line
		}
	}
	return adminhttp.OK(out)
}
