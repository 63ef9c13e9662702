package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// format is a kind of frame, as numpy, GStreamer and peer.py name it.
type format struct {
	name     string // of the test
	peer     string // peer.py's --format and what belongs to it
	caps     string // GStreamer's format, or a part of JPEG's caps
	dtype    string
	channels int // 0: the array has two dimensions
	bytes    int // of an element
	jpeg     bool
}

var formats = []format{
	{name: "BGR", peer: "bgr", caps: "BGR", dtype: "uint8", channels: 3, bytes: 1},
	{name: "GRAY8", peer: "gray", caps: "GRAY8", dtype: "uint8", bytes: 1},
	{name: "GRAY16_LE", peer: "uint16", caps: "GRAY16_LE", dtype: "uint16", bytes: 2},
	{name: "GRAY16_BE", peer: "be16", caps: "GRAY16_BE", dtype: ">u2", bytes: 2},
	{name: "BGRA", peer: "bgra", caps: "BGRA", dtype: "uint8", channels: 4, bytes: 1},
	{name: "JPEG-colour", peer: "jpeg --solid 0,0,255", caps: "colorspace=(string)sYUV", dtype: "uint8", channels: 3, jpeg: true},
	{name: "JPEG-gray", peer: "jpeg-gray", caps: "colorspace=(string)GRAY", dtype: "uint8", jpeg: true},
}

// The size of the pictures of the tables: rows of BGR and GRAY8 are padded in
// GStreamer's layout.
const width, height = 37, 22

// pixels returns so many rows of raw frame i, packed, by the formula of peer.py.
func (f format) pixels(i, rows int) []byte {
	var b []byte
	for y := range rows {
		for x := range width {
			for c := range max(f.channels, 1) {
				v := byte(x*3 + y*5 + c*7 + i*11)
				switch f.dtype {
				case "uint8":
					b = append(b, v)
				case "uint16":
					b = append(b, 255-v, v)
				case ">u2":
					b = append(b, v, 255-v)
				}
			}
		}
	}
	return b
}

// encoded returns JPEG frame i. The colour one is red, the more so the higher i.
func (f format) encoded(i int) []byte {
	r := image.Rect(0, 0, width, height)
	var img image.Image
	if f.channels == 3 {
		rgba := image.NewRGBA(r)
		for n := range width * height {
			rgba.SetRGBA(n%width, n/width, color.RGBA{R: byte(155 + 5*i), A: 255})
		}
		img = rgba
	} else {
		img = &image.Gray{Pix: format{dtype: "uint8"}.pixels(i, height), Stride: width, Rect: r}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		panic(err) // it never fails into memory
	}
	return b.Bytes()
}

// frame returns what travels as frame i.
func (f format) frame(i int) []byte {
	if f.jpeg {
		return f.encoded(i)
	}
	return f.pixels(i, height)
}

func (f format) shape() []int {
	if f.channels == 0 {
		return []int{height, width}
	}
	return []int{height, width, f.channels}
}

// mean returns the mean of each channel of frame i, of JPEG after decoding.
func (f format) mean(t testing.TB, i int) []float64 {
	t.Helper()
	if f.jpeg {
		return jpegMean(t, f.encoded(i))
	}
	data := f.pixels(i, height)
	n := max(f.channels, 1)
	mean := make([]float64, n)
	for k := range width * height * n {
		switch f.dtype {
		case "uint8":
			mean[k%n] += float64(data[k])
		case "uint16":
			mean[k%n] += float64(data[2*k]) + 256*float64(data[2*k+1])
		case ">u2":
			mean[k%n] += 256*float64(data[2*k]) + float64(data[2*k+1])
		}
	}
	for c := range mean {
		mean[c] /= width * height
	}
	return mean
}

// jpegMean returns the mean of B, G and R, or of the only component.
func jpegMean(t testing.TB, data []byte) []float64 {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	n := float64(size.X * size.Y)
	if gray, ok := img.(*image.Gray); ok {
		sum := 0.0
		for y := range size.Y {
			for x := range size.X {
				sum += float64(gray.GrayAt(x, y).Y)
			}
		}
		return []float64{sum / n}
	}
	mean := make([]float64, 3)
	for y := range size.Y {
		for x := range size.X {
			r, g, b, _ := img.At(x, y).RGBA()
			for c, v := range []uint32{b, g, r} {
				mean[c] += float64(v>>8) / n
			}
		}
	}
	return mean
}

// closeTo says whether two means are the same within what decoders differ.
func closeTo(a, b []float64, tolerance float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(a[i]-b[i]) > tolerance {
			return false
		}
	}
	return true
}

// source writes n frames to files and returns the beginning of a pipeline that
// pushes them. Raw ones have rows as GStreamer lays them out, padded with
// bytes that must not travel.
func (f format) source(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	if f.jpeg {
		for i := range n {
			writeFile(t, filepath.Join(dir, fmt.Sprintf("%05d.jpg", i)), f.encoded(i))
		}
		return fmt.Sprintf("multifilesrc location=%s/%%05d.jpg stop-index=%d caps=image/jpeg,framerate=30/1", dir, n-1)
	}
	var all []byte
	for i := range n {
		all = append(all, pad(f.pixels(i, height), f.rowSize())...)
	}
	path := filepath.Join(dir, "frames")
	writeFile(t, path, all)
	return fmt.Sprintf("filesrc location=%s ! rawvideoparse format=%s width=%d height=%d framerate=30/1",
		path, strings.ReplaceAll(strings.ToLower(f.caps), "_", "-"), width, height)
}

func (f format) rowSize() int { return width * max(f.channels, 1) * f.bytes }

// pad brings rows to a multiple of four bytes, as GStreamer does.
func pad(packed []byte, row int) []byte {
	var b []byte
	for len(packed) > 0 {
		b = append(b, packed[:row]...)
		packed = packed[row:]
		for len(b)%4 != 0 {
			b = append(b, 0xEE)
		}
	}
	return b
}

// unpad takes the padding out again; ok is false when the size is another.
func unpad(padded []byte, row, rows int) (packed []byte, ok bool) {
	stride := (row + 3) &^ 3
	if len(padded) != stride*rows {
		return nil, false
	}
	for y := range rows {
		packed = append(packed, padded[y*stride:y*stride+row]...)
	}
	return packed, true
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// frameFiles returns the contents of the files of a folder in order of name.
func frameFiles(t testing.TB, dir string) (frames [][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, data)
	}
	return frames
}
