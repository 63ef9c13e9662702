set -x
unset DISPLAY
date
make demo; echo "RC demo $?"
date
ls -la build | head -30
export GST_PLUGIN_PATH=$PWD/build
gst-inspect-1.0 netgearsink | head -12
cd /tmp
gst-launch-1.0 netgearsrc ! decodebin ! videoconvert ! jpegenc ! multifilesink location=frame-%d.jpg max-files=10 > r.log 2>&1 &
R=$!
timeout -s INT 6 gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! netgearsink; echo "RC send $?"
wait $R; echo "RC recv $?"; tail -3 r.log
ls -la frame-*.jpg; date
cd /src; apt-get install -y -qq python3-opencv python3-gi >/dev/null 2>&1
cat > /tmp/cv.py <<'P'
import cv2
video = cv2.VideoCapture("netgearsrc ! decodebin ! videoconvert ! appsink", cv2.CAP_GSTREAMER)
n=0
while (read := video.read())[0]:
    frame = read[1]; n+=1
print("frames", n, frame.shape if n else None)
P
timeout 40 python3 /tmp/cv.py & P=$!
timeout -s INT 8 gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! netgearsink; wait $P; echo "RC cv $?"
gst-launch-1.0 netgearsrc ! decodebin ! videoconvert ! autovideosink > a.log 2>&1 & R=$!
timeout -s INT 6 gst-launch-1.0 -e videotestsrc is-live=true ! jpegenc ! netgearsink; sleep 1; kill -INT $R; wait $R; echo "RC autovideosink without display $?"; tail -5 a.log
